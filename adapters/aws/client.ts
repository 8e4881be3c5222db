/**
 * How clients of AWS are made. What is left out the SDK finds as in any program: region and credentials of the
 * process, AWS_ENDPOINT_URL.
 */
export interface AwsClient {
  region?: string;
  endpoint?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
}
