// mysql2 plays the story: the task as JSON on standard input, events as JSON lines (see story.py).
'use strict';
const fs = require('fs');
const net = require('net');
const mysql = require('mysql2/promise');

const own = require('mysql2/package.json').version;
const say = (event) => fs.writeSync(1, JSON.stringify(event) + '\n');

function tlsOptions(task) {
  const ca = task.ca ? { ca: fs.readFileSync(task.ca) } : {};
  return {
    off: {},
    default: {},
    required: { ssl: { rejectUnauthorized: false } },
    'verify-ca': { ssl: { ...ca } },
    'verify-identity': { ssl: { ...ca, verifyIdentity: true } },
  }[task.mode];
}

async function login(task) {
  // The host is what the certificate has to name; where that is not the address, the socket leads to a relay.
  const relay = { stream: () => net.connect(task.address.port, task.address.host) };
  return mysql.createConnection({
    host: task.host,
    port: task.address.port,
    ...(task.address.host === task.host ? {} : relay),
    user: task.user,
    password: task.password,
    database: task.database,
    connectTimeout: task.timeout * 1000,
    ...tlsOptions(task),
  });
}

async function story(task, connection) {
  const sql = task.statements;
  const ask = async (text) => {
    say({ sql: text });
    return (await connection.query({ sql: text, rowsAsArray: true }))[0];
  };
  if (task.cleanup) {
    await connection.query(`DROP TABLE IF EXISTS ${task.table}`);
    return;
  }
  const [id, version] = (await ask(sql.session))[0];
  say({ connection_id: Number(id), server_version: version });
  const status = Object.fromEntries(await ask(sql.tls));
  say({ tls_version: status.Ssl_version || '', tls_cipher: status.Ssl_cipher || '' });
  try {
    const rows = await ask(sql.connection_type);
    if (rows.length && rows[0][0]) say({ connection_type: rows[0][0] });
  } catch (error) {
    // It may not be read: nobody has to be allowed to.
  }
  await ask(sql.create);
  say({ created: true });
  try {
    await ask(sql.insert);
    say({ sql: sql.insert_prepared });
    await connection.execute(sql.insert_prepared, [task.prepared_canary]);
    say({ rows: (await ask(sql.select)).map((row) => row[0]) });
  } finally {
    await ask(sql.drop);
    say({ dropped: true });
  }
}

async function main() {
  const task = JSON.parse(fs.readFileSync(0, 'utf8'));
  say({ version: `mysql2 ${own}, Node ${process.version}` });
  let connection;
  try {
    connection = await login(task);
    say({ connected: true });
    await story(task, connection);
    await connection.end();
  } catch (error) {
    if (connection) connection.destroy();
    const text = [error.code, error.message].filter(Boolean).join(': ') || String(error);
    say({ error: { code: error.errno > 0 ? error.errno : 0, text } });
  }
}

main();
