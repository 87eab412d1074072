import java.io.InputStreamReader;
import java.nio.charset.StandardCharsets;
import java.sql.Connection;
import java.sql.DriverManager;
import java.sql.PreparedStatement;
import java.sql.ResultSet;
import java.sql.SQLException;
import java.sql.Statement;
import java.util.ArrayList;
import java.util.List;
import java.util.Properties;

/** A JDBC driver plays the story: the task as properties on standard input, events as JSON lines (see story.py). */
public class ConnectorJRunner {
    private final Properties task;

    private ConnectorJRunner(Properties task) {
        this.task = task;
    }

    public static void main(String[] arguments) throws Exception {
        Properties task = new Properties();
        task.load(new InputStreamReader(System.in, StandardCharsets.US_ASCII));
        new ConnectorJRunner(task).run();
    }

    private void run() {
        Properties options = new Properties();
        options.setProperty("user", task.getProperty("user"));
        options.setProperty("password", task.getProperty("password"));
        options.setProperty("connectTimeout", task.getProperty("connectTimeout"));
        options.setProperty("useServerPrepStmts", "true");
        for (String name : task.stringPropertyNames()) {
            if (name.startsWith("option.")) {
                options.setProperty(name.substring("option.".length()), task.getProperty(name));
            }
        }
        try (Connection connection = DriverManager.getConnection(task.getProperty("url"), options);
                Statement statement = connection.createStatement()) {
            say("version", connection.getMetaData().getDriverName() + " " + connection.getMetaData().getDriverVersion()
                    + ", Java " + System.getProperty("java.version"));
            say("connected", true);
            if (Boolean.parseBoolean(task.getProperty("cleanup"))) {
                statement.execute("DROP TABLE IF EXISTS " + task.getProperty("table"));
            } else {
                story(connection, statement);
            }
        } catch (SQLException error) {
            fail(error);
        }
    }

    private void story(Connection connection, Statement statement) throws SQLException {
        List<String> session = ask(statement, "session").get(0);
        System.out.println("{\"connection_id\":" + Long.parseLong(session.get(0)) + "}");
        say("server_version", session.get(1));
        String version = "";
        String cipher = "";
        for (List<String> row : ask(statement, "tls")) {
            if (row.get(0).equals("Ssl_version")) version = row.get(1);
            if (row.get(0).equals("Ssl_cipher")) cipher = row.get(1);
        }
        say("tls_version", version);
        say("tls_cipher", cipher);
        try {
            List<List<String>> rows = ask(statement, "connection_type");
            if (!rows.isEmpty() && rows.get(0).get(0) != null) say("connection_type", rows.get(0).get(0));
        } catch (SQLException mayNotBeRead) {
            // Nobody has to be allowed to.
        }
        ask(statement, "create");
        say("created", true);
        try {
            ask(statement, "insert");
            String prepared = task.getProperty("sql.insert_prepared");
            say("sql", prepared);
            try (PreparedStatement insert = connection.prepareStatement(prepared)) {
                insert.setString(1, task.getProperty("prepared_canary"));
                insert.execute();
            }
            StringBuilder rows = new StringBuilder();
            for (List<String> row : ask(statement, "select")) {
                rows.append(rows.length() == 0 ? "" : ",").append(quoted(row.get(0)));
            }
            System.out.println("{\"rows\":[" + rows + "]}");
        } finally {
            ask(statement, "drop");
            say("dropped", true);
        }
    }

    private List<List<String>> ask(Statement statement, String what) throws SQLException {
        String sql = task.getProperty("sql." + what);
        say("sql", sql);
        List<List<String>> rows = new ArrayList<>();
        if (!statement.execute(sql)) {
            return rows;
        }
        try (ResultSet result = statement.getResultSet()) {
            int columns = result.getMetaData().getColumnCount();
            while (result.next()) {
                List<String> row = new ArrayList<>();
                for (int column = 1; column <= columns; column++) row.add(result.getString(column));
                rows.add(row);
            }
        }
        return rows;
    }

    /** What the driver says, and what caused it: the outer message often only says that it could not connect. */
    private static void fail(SQLException error) {
        StringBuilder text = new StringBuilder();
        int code = error.getErrorCode();
        int depth = 0;
        for (Throwable cause = error; cause != null && depth < 8; cause = cause.getCause(), depth++) {
            String message = cause.getMessage() == null ? cause.getClass().getSimpleName() : cause.getMessage();
            if (text.indexOf(message) < 0) text.append(text.length() == 0 ? "" : "; ").append(message);
            if (code <= 0 && cause instanceof SQLException) code = ((SQLException) cause).getErrorCode();
        }
        System.out.println("{\"error\":{\"code\":" + Math.max(code, 0) + ",\"text\":" + quoted(text.toString()) + "}}");
    }

    private static void say(String name, String value) {
        System.out.println("{" + quoted(name) + ":" + quoted(value) + "}");
    }

    private static void say(String name, boolean value) {
        System.out.println("{" + quoted(name) + ":" + value + "}");
    }

    private static String quoted(String text) {
        StringBuilder json = new StringBuilder("\"");
        for (char c : text.toCharArray()) {
            if (c == '"' || c == '\\') json.append('\\').append(c);
            else if (c < 0x20 || c > 0x7e) json.append(String.format("\\u%04x", (int) c));
            else json.append(c);
        }
        return json.append('"').toString();
    }
}
