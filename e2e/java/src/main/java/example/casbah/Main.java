package example.casbah;

/** Unmodified MSAL4J and azure-identity against a running Casbah. */
public final class Main {
    public static void main(String[] arguments) throws Exception {
        String only = arguments.length > 0 ? arguments[0] : "";
        MsalChecks.checks().run(only);
        IdentityChecks.checks().run(only);
        // The libraries keep threads of their own.
        System.exit(0);
    }
}
