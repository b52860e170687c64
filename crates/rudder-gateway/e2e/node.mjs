// Makes the sample calls with the Node SDK: node node.mjs URL KEY
import RudderAnalytics from "@rudderstack/rudder-sdk-node";
import { CALLS } from "./calls.mjs";

const [url, key] = process.argv.slice(2);
const client = new RudderAnalytics(key, { dataPlaneUrl: url, flushInterval: 50 });
for (const { call, ...message } of CALLS) client[call](message);
await client.flush();
