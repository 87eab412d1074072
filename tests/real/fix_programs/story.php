<?php
// The story of a run for clients in PHP: events as JSON lines (docs/clients.md).
function say(array $event): void {
    fwrite(STDOUT, json_encode($event) . "\n");
}

function story(string $version, callable $connect, callable $query): void {
    $task = json_decode(fgets(STDIN), true);
    say(['version' => $version]);
    try {
        $db = $connect($task);
        say(['connected' => true]);
        if ($task['cleanup']) {
            $query($db, "DROP TABLE IF EXISTS {$task['table']}");
            return;
        }
        $sql = $task['statements'];
        [$id, $server] = $query($db, $sql['session'])[0];
        say(['connection_id' => (int) $id, 'server_version' => $server]);
        $status = array_column($query($db, $sql['tls']), 1, 0);
        say(['tls_version' => $status['Ssl_version'] ?? '', 'tls_cipher' => $status['Ssl_cipher'] ?? '']);
        say(['sql' => $sql['create']]);
        $query($db, $sql['create']);
        say(['created' => true]);
        try {
            say(['sql' => $sql['insert']]);
            $query($db, $sql['insert']);
            $query($db, str_replace('?', "'{$task['prepared_canary']}'", $sql['insert_prepared']));
            say(['rows' => array_column($query($db, $sql['select']), 0)]);
        } finally {
            $query($db, $sql['drop']);
            say(['dropped' => true]);
        }
    } catch (Throwable $error) {
        say(['error' => ['code' => (int) $error->getCode(), 'text' => $error->getMessage()]]);
    }
}
