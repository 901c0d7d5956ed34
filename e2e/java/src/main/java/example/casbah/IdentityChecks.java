package example.casbah;

import static example.casbah.Checks.AUTHORITY;
import static example.casbah.Checks.BASE;
import static example.casbah.Checks.DEFAULT;
import static example.casbah.Checks.TENANT;
import static example.casbah.Checks.browserBeside;
import static example.casbah.Checks.encode;
import static example.casbah.Checks.env;
import static example.casbah.Checks.expect;
import static example.casbah.Checks.listAlerts;
import static example.casbah.Checks.refused;

import com.azure.core.credential.TokenCredential;
import com.azure.core.credential.TokenRequestContext;
import com.azure.identity.AuthenticationRecord;
import com.azure.identity.AuthenticationRequiredException;
import com.azure.identity.AuthorizationCodeCredentialBuilder;
import com.azure.identity.ClientAssertionCredentialBuilder;
import com.azure.identity.ClientCertificateCredentialBuilder;
import com.azure.identity.ClientSecretCredentialBuilder;
import com.azure.identity.DeviceCodeCredentialBuilder;
import com.azure.identity.InteractiveBrowserCredential;
import com.azure.identity.InteractiveBrowserCredentialBuilder;
import com.azure.identity.OnBehalfOfCredentialBuilder;
import com.azure.identity.UsernamePasswordCredentialBuilder;
import com.azure.identity.WorkloadIdentityCredentialBuilder;
import java.io.IOException;
import java.io.UncheckedIOException;
import java.nio.file.Files;
import java.nio.file.Path;

/** azure-identity for Java. */
final class IdentityChecks {
    static Checks checks() {
        return new Checks("azure-identity Java", ClientSecretCredentialBuilder.class)
                .of("secret: ClientSecretCredential", () -> twice(secret(env("CASBAH_CLIENT_SECRET"))))
                .of("certificate: PEM", () -> twice(new ClientCertificateCredentialBuilder()
                        .authorityHost(BASE)
                        .tenantId(TENANT)
                        .clientId(env("E2E_CERTIFICATE_CLIENT_ID"))
                        .pemCertificate(env("E2E_PEM"))
                        .disableInstanceDiscovery()
                        .build()))
                .of("certificate: PFX with its chain", () -> twice(new ClientCertificateCredentialBuilder()
                        .authorityHost(BASE)
                        .tenantId(TENANT)
                        .clientId(env("E2E_CERTIFICATE_CLIENT_ID"))
                        .pfxCertificate(env("E2E_PFX"))
                        .clientCertificatePassword(env("E2E_PFX_PASSWORD"))
                        .sendCertificateChain(true)
                        .disableInstanceDiscovery()
                        .build()))
                .of("workload identity", () -> twice(new WorkloadIdentityCredentialBuilder()
                        .authorityHost(BASE)
                        .tenantId(TENANT)
                        .clientId(env("E2E_WORKLOAD_CLIENT_ID"))
                        .tokenFilePath(env("E2E_ASSERTION_FILE"))
                        .disableInstanceDiscovery()
                        .build()))
                .of("assertion: ClientAssertionCredential", () -> twice(new ClientAssertionCredentialBuilder()
                        .authorityHost(BASE)
                        .tenantId(TENANT)
                        .clientId(env("E2E_WORKLOAD_CLIENT_ID"))
                        .clientAssertion(IdentityChecks::assertion)
                        .disableInstanceDiscovery()
                        .build()))
                .of("on-behalf-of: OnBehalfOfCredential", () -> twice(new OnBehalfOfCredentialBuilder()
                        .authorityHost(BASE)
                        .tenantId(TENANT)
                        .clientId(env("E2E_API_CLIENT_ID"))
                        .clientSecret(env("E2E_API_CLIENT_SECRET"))
                        .userAssertion(env("E2E_API_TOKEN"))
                        .disableInstanceDiscovery()
                        .build()))
                .of("errors: wrong secret", () -> refused("AADSTS7000215", () -> twice(secret("wrong"))))
                .of("code: AuthorizationCodeCredential", IdentityChecks::code)
                .of("interactive", () -> twice(interactive().build()))
                .of("silent: an account on record without a session asks for interaction", IdentityChecks::record)
                .of("device code", () -> twice(new DeviceCodeCredentialBuilder()
                        .authorityHost(BASE)
                        .tenantId(TENANT)
                        .clientId(env("CASBAH_PUBLIC_CLIENT_ID"))
                        .disableInstanceDiscovery()
                        .challengeConsumer(code -> browserBeside(
                                "approve", "uri", code.getVerificationUrl(), "code", code.getUserCode()))
                        .build()))
                .of("password: UsernamePasswordCredential", () -> twice(new UsernamePasswordCredentialBuilder()
                        .authorityHost(BASE)
                        .tenantId(TENANT)
                        .clientId(env("CASBAH_PUBLIC_CLIENT_ID"))
                        .username(env("CASBAH_USER"))
                        .password(env("CASBAH_PASSWORD"))
                        .disableInstanceDiscovery()
                        .build()));
    }

    private static String assertion() {
        try {
            return Files.readString(Path.of(env("E2E_ASSERTION_FILE")));
        } catch (IOException problem) {
            throw new UncheckedIOException(problem);
        }
    }

    private static TokenCredential secret(String text) {
        return new ClientSecretCredentialBuilder()
                .authorityHost(BASE)
                .tenantId(TENANT)
                .clientId(env("CASBAH_CLIENT_ID"))
                .clientSecret(text)
                .disableInstanceDiscovery()
                .build();
    }

    /** The second token comes from the cache. */
    static void twice(TokenCredential credential) throws Exception {
        TokenRequestContext asked = new TokenRequestContext().addScopes(DEFAULT);
        String first = credential.getTokenSync(asked).getToken();
        listAlerts(first);
        expect(credential.getTokenSync(asked).getToken().equals(first), "the second token is another one");
    }

    private static InteractiveBrowserCredentialBuilder interactive() throws IOException {
        return new InteractiveBrowserCredentialBuilder()
                .authorityHost(BASE)
                .tenantId(TENANT)
                .clientId(env("CASBAH_PUBLIC_CLIENT_ID"))
                .redirectUrl("http://localhost:" + freePort())
                .disableInstanceDiscovery();
    }

    private static void record() throws Exception {
        TokenRequestContext asked = new TokenRequestContext().addScopes(DEFAULT);
        InteractiveBrowserCredential credential = interactive().build();
        AuthenticationRecord record = credential.authenticate(asked).block();
        expect(record.getUsername().equalsIgnoreCase(env("CASBAH_USER")), "a record of " + record.getUsername());
        expect(record.getTenantId().equals(TENANT), "a record of the tenant " + record.getTenantId());
        twice(credential);
        InteractiveBrowserCredential other =
                interactive().authenticationRecord(record).disableAutomaticAuthentication().build();
        try {
            other.getTokenSync(asked);
        } catch (AuthenticationRequiredException wanted) {
            return;
        }
        throw new AssertionError("a token without a session");
    }

    private static void code() throws Exception {
        // This credential leaves the first half to its caller.
        Checks.Listener listener = new Checks.Listener();
        String id = env("E2E_WEB_CLIENT_ID");
        String address = AUTHORITY + "/oauth2/v2.0/authorize?response_type=code&client_id=" + id + "&scope="
                + encode(DEFAULT + " offline_access") + "&redirect_uri=" + encode(listener.address);
        twice(new AuthorizationCodeCredentialBuilder()
                .authorityHost(BASE)
                .tenantId(TENANT)
                .clientId(id)
                .clientSecret(env("E2E_WEB_CLIENT_SECRET"))
                .authorizationCode(listener.code(address))
                .redirectUrl(listener.address)
                .disableInstanceDiscovery()
                .build());
    }

    private static int freePort() throws IOException {
        try (java.net.ServerSocket socket = new java.net.ServerSocket(0)) {
            return socket.getLocalPort();
        }
    }
}
