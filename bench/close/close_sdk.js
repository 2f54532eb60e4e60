// close_sdk.js FOLDER ENDPOINT COUNT : closes COUNT records with the JavaScript SDK that npm installed into FOLDER.
// The SDK has no usage resource; its GenericResource does the POST. Node keeps the connection open.
const path = require('path');

const [folder, endpoint, count] = process.argv.slice(2);
const sdk = path.resolve(folder, 'node_modules/@cloudblueconnect/connect-javascript-sdk');
const { ConnectClient } = require(sdk);
const GenericResource = require(path.join(sdk, 'lib/connect/api/base.js'));

async function main() {
  const client = new ConnectClient(endpoint, 'ApiKey SU-000-000-000:secret');
  for (let i = 1; i <= Number(count); i += 1) {
    const id = `UR-2026-01-0000-0001-${String(i).padStart(6, '0')}`;
    const resource = new GenericResource(client, `/usage/records/${id}/close`);
    const record = await resource.create({ external_billing_id: 'BILL-77', external_billing_note: 'January run' });
    if (record.status !== 'closed') throw new Error('not closed');
  }
}

main().then(() => process.exit(0), (error) => { console.error(error); process.exit(1); });
