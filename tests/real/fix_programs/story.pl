# The story of a run for clients in Perl: events as JSON lines (docs/clients.md).
use strict;
use warnings;
use DBI;
use JSON::PP;

sub say_event { print encode_json(shift), "\n"; $| = 1; }

sub story {
    my ($version, $dsn_of) = @_;
    my $task = decode_json(scalar <STDIN>);
    say_event({ version => $version });
    eval {
        my $options = { RaiseError => 1, PrintError => 0 };
        my $db = DBI->connect($dsn_of->($task), $task->{user}, $task->{password}, $options);
        my $query = sub {
            my $statement = $db->prepare(shift);
            $statement->execute;
            return $statement->{NUM_OF_FIELDS} ? $statement->fetchall_arrayref : [];
        };
        say_event({ connected => JSON::PP::true });
        if ($task->{cleanup}) {
            $query->("DROP TABLE IF EXISTS $task->{table}");
            return 1;
        }
        my $sql = $task->{statements};
        my ($id, $server) = @{ $query->($sql->{session})->[0] };
        say_event({ connection_id => $id + 0, server_version => $server });
        my %status = map { $_->[0] => $_->[1] } @{ $query->($sql->{tls}) };
        say_event({ tls_version => $status{Ssl_version} // '', tls_cipher => $status{Ssl_cipher} // '' });
        say_event({ sql => $sql->{create} });
        $query->($sql->{create});
        say_event({ created => JSON::PP::true });
        say_event({ sql => $sql->{insert} });
        $query->($sql->{insert});
        (my $prepared = $sql->{insert_prepared}) =~ s/\?/'$task->{prepared_canary}'/;
        $query->($prepared);
        say_event({ rows => [map { $_->[0] } @{ $query->($sql->{select}) }] });
        $query->($sql->{drop});
        say_event({ dropped => JSON::PP::true });
        1;
    } or say_event({ error => { code => ($DBI::err // 0) + 0, text => "$@" } });
}

# The C library takes `localhost`, so written, for a Unix socket.
sub host_of { return uc($_[0]->{address}{host}); }

1;
