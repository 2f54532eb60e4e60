// bulk_sdk.js FOLDER ENDPOINT COUNT : closes COUNT records in batches of 100 with the JavaScript SDK, four batches at
// once, as closeMany does. The SDK's own method posts to a route that the API does not have, so its GenericResource does.
const path = require('path');

const BATCH = 100;
const AT_ONCE = 4;

const [folder, endpoint, count] = process.argv.slice(2);
const sdk = path.resolve(folder, 'node_modules/@cloudblueconnect/connect-javascript-sdk');
const { ConnectClient } = require(sdk);
const GenericResource = require(path.join(sdk, 'lib/connect/api/base.js'));

const client = new ConnectClient(endpoint, 'ApiKey SU-000-000-000:secret');
let number = 0;

async function work() {
  while (number < Number(count)) {
    const batch = [];
    for (let i = 0; i < BATCH; i += 1) {
      number += 1;
      batch.push({ id: `UR-2026-01-0000-0001-${String(number).padStart(7, '0')}`, external_billing_id: `RUN-${number}` });
    }
    const resource = new GenericResource(client, '/usage/records/close-records');
    const reply = await resource.create(batch);
    if (reply.length !== BATCH || reply.some((record) => record.status !== 'closed')) throw new Error('not closed');
  }
}

Promise.all(Array.from({ length: AT_ONCE }, work))
  .then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
