// The story of a run for clients on Node: events as JSON lines (docs/clients.md).
'use strict';
const fs = require('fs');
const say = (event) => fs.writeSync(1, JSON.stringify(event) + '\n');

module.exports = async (version, connect, query) => {
  const task = JSON.parse(fs.readFileSync(0, 'utf8'));
  say({ version });
  let connection;
  try {
    connection = await connect(task);
    say({ connected: true });
    if (task.cleanup) {
      await query(connection, `DROP TABLE IF EXISTS ${task.table}`);
      await connection.end();
      return;
    }
    const sql = task.statements;
    const [id, server] = (await query(connection, sql.session))[0];
    say({ connection_id: Number(id), server_version: server });
    const status = Object.fromEntries(await query(connection, sql.tls));
    say({ tls_version: status.Ssl_version || '', tls_cipher: status.Ssl_cipher || '' });
    say({ sql: sql.create });
    await query(connection, sql.create);
    say({ created: true });
    try {
      say({ sql: sql.insert });
      await query(connection, sql.insert);
      await query(connection, sql.insert_prepared, [task.prepared_canary]);
      say({ rows: (await query(connection, sql.select)).map((row) => row[0]) });
    } finally {
      await query(connection, sql.drop);
      say({ dropped: true });
    }
    await connection.end();
  } catch (error) {
    if (connection) connection.destroy();
    const code = error.errno > 0 ? error.errno : 0;
    say({ error: { code, text: [error.code, error.message].filter(Boolean).join(': ') } });
  }
};
