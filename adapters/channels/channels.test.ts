// The contract of every channel in the registry. A type brings its service as TYPE.fixture.ts in its folder.
import { describeChannel } from '../../test/contract/channel.ts';
import { channelFixture } from '../../test/contract/channel-service.ts';
import { CHANNELS } from './registry.ts';

for (const adapter of CHANNELS) {
  const { services } = await channelFixture(adapter.type);
  for (const service of services) describeChannel(adapter, service);
}
