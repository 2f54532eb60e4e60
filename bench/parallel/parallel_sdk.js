// parallel_sdk.js FOLDER CONCURRENCY ENDPOINT COUNT : closes COUNT records with the JavaScript SDK, so many at once
// under Promise.all, each slot of which takes the next record when it is done with one.
const path = require('path');

const [folder, concurrency, endpoint, count] = process.argv.slice(2);
const sdk = path.resolve(folder, 'node_modules/@cloudblueconnect/connect-javascript-sdk');
const { ConnectClient } = require(sdk);
const GenericResource = require(path.join(sdk, 'lib/connect/api/base.js'));

const client = new ConnectClient(endpoint, 'ApiKey SU-000-000-000:secret');
let number = 0;

async function work() {
  while (number < Number(count)) {
    number += 1;
    const id = `UR-2026-01-0000-0001-${String(number).padStart(6, '0')}`;
    const resource = new GenericResource(client, `/usage/records/${id}/close`);
    const record = await resource.create({ external_billing_id: 'BILL-77', external_billing_note: 'January run' });
    if (record.status !== 'closed') throw new Error('not closed');
  }
}

Promise.all(Array.from({ length: Number(concurrency) }, work))
  .then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
