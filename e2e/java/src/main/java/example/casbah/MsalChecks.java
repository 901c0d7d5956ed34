package example.casbah;

import static example.casbah.Checks.AUTHORITY;
import static example.casbah.Checks.DEFAULT;
import static example.casbah.Checks.READ;
import static example.casbah.Checks.TENANT;
import static example.casbah.Checks.browserBeside;
import static example.casbah.Checks.env;
import static example.casbah.Checks.expect;
import static example.casbah.Checks.listAlerts;
import static example.casbah.Checks.refused;

import com.microsoft.aad.msal4j.AuthorizationCodeParameters;
import com.microsoft.aad.msal4j.AuthorizationRequestUrlParameters;
import com.microsoft.aad.msal4j.ClientCredentialFactory;
import com.microsoft.aad.msal4j.ClientCredentialParameters;
import com.microsoft.aad.msal4j.ConfidentialClientApplication;
import com.microsoft.aad.msal4j.DeviceCodeFlowParameters;
import com.microsoft.aad.msal4j.IAuthenticationResult;
import com.microsoft.aad.msal4j.IClientCredential;
import com.microsoft.aad.msal4j.IPublicClientApplication;
import com.microsoft.aad.msal4j.InteractiveRequestParameters;
import com.microsoft.aad.msal4j.OnBehalfOfParameters;
import com.microsoft.aad.msal4j.PublicClientApplication;
import com.microsoft.aad.msal4j.ResponseMode;
import com.microsoft.aad.msal4j.SilentParameters;
import com.microsoft.aad.msal4j.SystemBrowserOptions;
import com.microsoft.aad.msal4j.TokenSource;
import com.microsoft.aad.msal4j.UserAssertion;
import com.microsoft.aad.msal4j.UserNamePasswordParameters;
import java.io.InputStream;
import java.net.URI;
import java.nio.file.Files;
import java.nio.file.Path;
import java.util.Set;

/** MSAL for Java. */
final class MsalChecks {
    static Checks checks() {
        return new Checks("MSAL4J", PublicClientApplication.class)
                .of("secret", () -> appOnly(daemon(secret(env("CASBAH_CLIENT_SECRET")))))
                .of("secret: oidcAuthority", () -> appOnly(ConfidentialClientApplication
                        .builder(env("CASBAH_CLIENT_ID"), secret(env("CASBAH_CLIENT_SECRET")))
                        .oidcAuthority(AUTHORITY + "/v2.0")
                        .build()))
                .of("certificate", () -> appOnly(confidential(env("E2E_CERTIFICATE_CLIENT_ID"), certificate())))
                .of("assertion: of another issuer, by a function", () -> appOnly(confidential(
                        env("E2E_WORKLOAD_CLIENT_ID"),
                        ClientCredentialFactory.createFromCallback(MsalChecks::assertion))))
                .of("errors: wrong secret", () -> refused("AADSTS7000215", () -> appOnly(daemon(secret("wrong")))))
                .of("code: public client", MsalChecks::publicCode)
                .of("code: confidential client", () -> confidentialCode(ResponseMode.QUERY))
                .of("code: confidential client, form_post", () -> confidentialCode(ResponseMode.FORM_POST))
                .of("interactive", MsalChecks::interactive)
                .of("device code", MsalChecks::deviceCode)
                .of("password", () -> ofTheUser(byPassword(publicClient(), READ)))
                .of("silent: from the cache, and refreshed after expiry", MsalChecks::silent)
                .of("on-behalf-of", MsalChecks::onBehalfOf);
    }

    private static IClientCredential certificate() throws Exception {
        try (InputStream file = Files.newInputStream(Path.of(env("E2E_PFX")))) {
            return ClientCredentialFactory.createFromCertificate(file, env("E2E_PFX_PASSWORD"));
        }
    }

    private static String assertion() throws Exception {
        return Files.readString(Path.of(env("E2E_ASSERTION_FILE")));
    }

    private static IClientCredential secret(String text) {
        return ClientCredentialFactory.createFromSecret(text);
    }

    private static ConfidentialClientApplication daemon(IClientCredential credential) throws Exception {
        return confidential(env("CASBAH_CLIENT_ID"), credential);
    }

    private static ConfidentialClientApplication web() throws Exception {
        return confidential(env("E2E_WEB_CLIENT_ID"), secret(env("E2E_WEB_CLIENT_SECRET")));
    }

    private static ConfidentialClientApplication confidential(String id, IClientCredential credential)
            throws Exception {
        return ConfidentialClientApplication.builder(id, credential)
                .authority(AUTHORITY + "/")
                .instanceDiscovery(false)
                .build();
    }

    private static PublicClientApplication publicClient() throws Exception {
        return PublicClientApplication.builder(env("CASBAH_PUBLIC_CLIENT_ID"))
                .authority(AUTHORITY + "/")
                .instanceDiscovery(false)
                .build();
    }

    /** The second token comes from the cache. */
    private static void appOnly(ConfidentialClientApplication client) throws Exception {
        ClientCredentialParameters asked = ClientCredentialParameters.builder(Set.of(DEFAULT)).build();
        String first = client.acquireToken(asked).get().accessToken();
        listAlerts(first);
        expect(client.acquireToken(asked).get().accessToken().equals(first), "the second token is another one");
    }

    private static void ofTheUser(IAuthenticationResult result) throws Exception {
        expect(result.account().username().equalsIgnoreCase(env("CASBAH_USER")), result.account().username());
        expect(result.account().homeAccountId().endsWith("." + TENANT), "no client_info was understood");
        listAlerts(result.accessToken());
    }

    private static AuthorizationRequestUrlParameters asked(Checks.Listener listener, ResponseMode mode) {
        return AuthorizationRequestUrlParameters.builder(listener.address, Set.of(READ)).responseMode(mode).build();
    }

    private static AuthorizationCodeParameters redeemed(Checks.Listener listener, String code) {
        return AuthorizationCodeParameters.builder(code, URI.create(listener.address)).scopes(Set.of(READ)).build();
    }

    private static void publicCode() throws Exception {
        Checks.Listener listener = new Checks.Listener();
        PublicClientApplication client = publicClient();
        String address = client.getAuthorizationRequestUrl(asked(listener, ResponseMode.QUERY)).toString();
        ofTheUser(client.acquireToken(redeemed(listener, listener.code(address))).get());
    }

    private static void confidentialCode(ResponseMode mode) throws Exception {
        Checks.Listener listener = new Checks.Listener();
        ConfidentialClientApplication client = web();
        String address = client.getAuthorizationRequestUrl(asked(listener, mode)).toString();
        ofTheUser(client.acquireToken(redeemed(listener, listener.code(address))).get());
    }

    private static void interactive() throws Exception {
        SystemBrowserOptions browser = SystemBrowserOptions.builder()
                .openBrowserAction(address -> browserBeside("sign-in", "url", address.toString()))
                .build();
        ofTheUser(publicClient()
                .acquireToken(InteractiveRequestParameters.builder(URI.create("http://localhost"))
                        .scopes(Set.of(READ))
                        .systemBrowserOptions(browser)
                        .build())
                .get());
    }

    private static void deviceCode() throws Exception {
        ofTheUser(publicClient()
                .acquireToken(DeviceCodeFlowParameters.builder(Set.of(READ), code ->
                        browserBeside("approve", "uri", code.verificationUri(), "code", code.userCode())).build())
                .get());
    }

    static IAuthenticationResult byPassword(IPublicClientApplication client, String scope) throws Exception {
        char[] password = env("CASBAH_PASSWORD").toCharArray();
        return client.acquireToken(
                        UserNamePasswordParameters.builder(Set.of(scope), env("CASBAH_USER"), password).build())
                .get();
    }

    private static void onBehalfOf() throws Exception {
        ofTheUser(confidential(env("E2E_API_CLIENT_ID"), secret(env("E2E_API_CLIENT_SECRET")))
                .acquireToken(OnBehalfOfParameters.builder(Set.of(READ), new UserAssertion(env("E2E_API_TOKEN")))
                        .build())
                .get());
    }

    private static void silent() throws Exception {
        PublicClientApplication client = publicClient();
        byPassword(client, DEFAULT);
        expect(silent(client) == TokenSource.CACHE, "not from the cache");
        // What an hour does.
        PublicClientApplication later = publicClient();
        later.tokenCache().deserialize(
                client.tokenCache().serialize().replaceAll("(expires_on\":)\"\\d+\"", "$1\"1700000000\""));
        expect(silent(later) == TokenSource.IDENTITY_PROVIDER, "an expired token from the cache");
        expect(silent(later) == TokenSource.CACHE, "the entry of .default was not found again");
    }

    private static TokenSource silent(PublicClientApplication client) throws Exception {
        SilentParameters asked = SilentParameters.builder(Set.of(DEFAULT))
                .account(client.getAccounts().get().iterator().next())
                .build();
        IAuthenticationResult result = client.acquireTokenSilently(asked).get();
        listAlerts(result.accessToken());
        return result.metadata().tokenSource();
    }
}
