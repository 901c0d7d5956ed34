package example.casbah;

import com.sun.net.httpserver.HttpServer;
import java.io.IOException;
import java.net.InetSocketAddress;
import java.net.URI;
import java.net.URLDecoder;
import java.net.URLEncoder;
import java.net.http.HttpClient;
import java.net.http.HttpRequest;
import java.net.http.HttpResponse;
import java.nio.charset.StandardCharsets;
import java.util.ArrayList;
import java.util.HashMap;
import java.util.List;
import java.util.Map;
import java.util.concurrent.CompletableFuture;
import java.util.concurrent.TimeUnit;

/**
 * How test programs report: one line per check, {@code client TAB flow TAB version TAB pass|fail TAB reason}; see
 * ../python/checks.py, which says the same for Python. And what the clients' checks share.
 */
final class Checks {
    static final String RESOURCE = "05a65629-4c1b-48c1-a78b-804c4abdd4af";
    static final String DEFAULT = RESOURCE + "/.default";
    static final String READ = RESOURCE + "/Investigation.read";
    static final String BASE = env("CASBAH_URL");
    static final String TENANT = env("CASBAH_TENANT");
    static final String AUTHORITY = BASE + "/" + TENANT;

    private static final HttpClient HTTP = HttpClient.newHttpClient();

    interface Check {
        void run() throws Exception;
    }

    private record Flow(String name, Check check) {}

    private final String client;
    private final String version;
    private final List<Flow> all = new ArrayList<>();

    Checks(String client, Class<?> part) {
        this.client = client;
        // The name of the jar, as Maven knows it: artifact-version.jar.
        String jar = part.getProtectionDomain().getCodeSource().getLocation().getPath();
        this.version = jar.replaceAll(".*-([0-9][^-/]*)\\.jar$", "$1");
    }

    Checks of(String flow, Check check) {
        all.add(new Flow(flow, check));
        return this;
    }

    void run(String only) {
        for (Flow flow : all) {
            if (!flow.name.contains(only)) {
                continue;
            }
            String result = "pass";
            String reason = "";
            try {
                flow.check.run();
            } catch (Throwable problem) {
                problem.printStackTrace();
                result = "fail";
                reason = shown(problem);
            }
            System.out.println(String.join("\t", client, flow.name, version, result, reason));
        }
    }

    /** One line without what differs from run to run. */
    private static String shown(Throwable problem) {
        String text = String.valueOf(problem).split("Trace ID")[0].replaceAll("\\s+", " ").replace('|', '/');
        return text.substring(0, Math.min(200, text.length())).strip();
    }

    static String env(String name) {
        String value = System.getenv(name);
        if (value == null) {
            throw new IllegalStateException(name + " is not set");
        }
        return value;
    }

    static void expect(boolean condition, String otherwise) {
        if (!condition) {
            throw new AssertionError(otherwise);
        }
    }

    /** The check's action is refused, and the error names the code. */
    static void refused(String code, Check check) {
        try {
            check.run();
        } catch (Exception problem) {
            expect(String.valueOf(problem).contains(code), String.valueOf(problem));
            return;
        }
        throw new AssertionError("not refused with " + code);
    }

    /** The token is good for what it was asked for: the API answers. */
    static void listAlerts(String token) throws Exception {
        HttpRequest request = HttpRequest.newBuilder(URI.create(BASE + "/api/v1/alerts/"))
                .header("Authorization", "Bearer " + token)
                .build();
        HttpResponse<String> answer = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
        expect(answer.statusCode() == 200 && answer.body().contains("\"data\""), "the API: " + answer.statusCode());
    }

    /** Has the shared browser (../node/browser.mjs) do something. */
    static String browser(String action, String... parameters) throws Exception {
        StringBuilder address = new StringBuilder(env("E2E_BROWSER") + "/" + action + "?");
        for (int i = 0; i < parameters.length; i += 2) {
            address.append(parameters[i]).append('=').append(encode(parameters[i + 1])).append('&');
        }
        HttpRequest request = HttpRequest.newBuilder(URI.create(address.toString())).build();
        HttpResponse<String> answer = HTTP.send(request, HttpResponse.BodyHandlers.ofString());
        expect(answer.statusCode() == 200, "the browser: " + answer.body());
        return answer.body();
    }

    /** The same while the client polls or listens. */
    static void browserBeside(String action, String... parameters) {
        CompletableFuture.runAsync(() -> {
            try {
                browser(action, parameters);
            } catch (Exception problem) {
                problem.printStackTrace();
            }
        });
    }

    static String encode(String text) {
        return URLEncoder.encode(text, StandardCharsets.UTF_8);
    }

    /** A client's own address on loopback, which takes one answer of the authorize endpoint. */
    static final class Listener {
        private final HttpServer server;
        private final CompletableFuture<Map<String, String>> fields = new CompletableFuture<>();
        final String address;

        Listener() throws IOException {
            server = HttpServer.create(new InetSocketAddress("127.0.0.1", 0), 0);
            address = "http://localhost:" + server.getAddress().getPort();
            server.createContext("/", exchange -> {
                String query = exchange.getRequestURI().getRawQuery();
                String body = new String(exchange.getRequestBody().readAllBytes(), StandardCharsets.UTF_8);
                exchange.sendResponseHeaders(200, 4);
                exchange.getResponseBody().write("done".getBytes(StandardCharsets.UTF_8));
                exchange.close();
                Map<String, String> found = new HashMap<>();
                for (String pair : (query == null ? body : query).split("&")) {
                    String[] parts = pair.split("=", 2);
                    found.put(parts[0], parts.length < 2 ? "" : URLDecoder.decode(parts[1], StandardCharsets.UTF_8));
                }
                if (found.containsKey("code") || found.containsKey("error")) {
                    fields.complete(found);
                }
            });
            server.start();
        }

        /** Signs in at an authorize address of this listener's client; the code that arrived. */
        String code(String authorize) throws Exception {
            browser("sign-in", "url", authorize);
            Map<String, String> found = fields.get(30, TimeUnit.SECONDS);
            server.stop(0);
            expect(found.containsKey("code"), "no code but " + found);
            return found.get("code");
        }
    }
}
