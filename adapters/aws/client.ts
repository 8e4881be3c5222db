/**
 * Settings of AWS clients. The SDK takes those that are left out from the process, as in any program: region,
 * credentials, AWS_ENDPOINT_URL.
 */
export interface AwsClient {
  region?: string;
  endpoint?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
}
