//! The numbered reasons ("AADSTS codes") with the OAuth error and the HTTP status that belong to
//! each, and what the error page says about them.

/// A numbered reason for a refusal.
#[derive(Debug, PartialEq, Eq)]
pub struct Code {
    /// The number behind `AADSTS`.
    pub number: u32,
    /// The OAuth error code.
    pub error: &'static str,
    /// HTTP status at the token endpoint.
    pub status: u16,
    /// What it means and what to do, for the look-up page.
    pub meaning: &'static str,
}

/// The reason with that number, if Casbah gives it.
pub fn find(number: u32) -> Option<&'static Code> {
    ALL.iter().copied().find(|code| code.number == number)
}

macro_rules! codes {
    ($($name:ident = $number:literal, $error:literal, $status:literal, $meaning:literal;)*) => {
        $(
            #[doc = $meaning]
            pub const $name: &Code = &Code { number: $number, error: $error, status: $status, meaning: $meaning };
        )*
        /// Every reason that Casbah gives, in the order of the groups below.
        pub const ALL: &[&Code] = &[$($name),*];
    };
}

codes! {
    // The request
    MISSING_PARAMETER = 900144, "invalid_request", 400, "The request lacks a parameter that it must contain. The message names it.";
    MALFORMED = 9002313, "invalid_request", 400, "The request is malformed: a parameter is repeated or cannot be read.";
    WRONG_METHOD = 900561, "invalid_request", 405, "The endpoint accepts POST requests only.";
    UNKNOWN_GRANT = 70003, "unsupported_grant_type", 400, "The grant type is not supported.";
    RESOURCE_ON_V2 = 901002, "invalid_request", 400, "The v2.0 endpoint does not know the parameter resource; name the permission in scope.";
    // The tenant
    MALFORMED_TENANT = 900023, "invalid_request", 400, "The tenant in the URL is neither a GUID nor a domain name.";
    UNKNOWN_TENANT = 90002, "invalid_request", 400, "The tenant does not exist here. Check the tenant in the URL.";
    NO_TENANT = 50059, "invalid_request", 400, "The request does not tell which tenant it is for. Use the tenant's id or domain in the URL.";
    ALIAS_NOT_SUPPORTED = 9001023, "invalid_request", 400, "The grant is not supported over this alias. Use the tenant's id or domain, or organizations, in the URL.";
    PERSONAL_ACCOUNTS = 500208, "invalid_request", 400, "Personal accounts do not exist here. Use the tenant's id or domain in the URL.";
    UNKNOWN_INSTANCE = 50049, "invalid_instance", 400, "The host in the request is not this authority.";
    // The client
    UNKNOWN_CLIENT = 700016, "unauthorized_client", 400, "No application with that client id is registered in the tenant.";
    CLIENT_DISABLED = 7000112, "unauthorized_client", 400, "The application is disabled in the tenant.";
    WRONG_SECRET = 7000215, "invalid_client", 401, "The client secret is wrong. Send the secret's value, not its id.";
    EXPIRED_SECRET = 7000222, "invalid_client", 401, "The client secret has expired. Create a new one.";
    NO_CREDENTIAL = 7000216, "invalid_client", 401, "The client credentials grant needs a client secret or a client assertion.";
    CREDENTIAL_NEEDED = 7000218, "invalid_client", 401, "The application is not a public client: the request must carry a client secret or a client assertion.";
    PUBLIC_CLIENT = 700025, "invalid_client", 401, "The application is a public client: it must not send a client secret or a client assertion.";
    ASSERTION_MALFORMED = 50027, "invalid_request", 400, "The client assertion is not a JSON Web Token that can be read.";
    ASSERTION_REFUSED = 700027, "invalid_client", 401, "The client assertion was not accepted: its certificate is not registered for the application or has expired, or its signature or algorithm is wrong.";
    ASSERTION_CLIENT = 700021, "invalid_client", 401, "The client assertion was issued for another application than the client_id names.";
    ASSERTION_AUDIENCE = 700023, "invalid_client", 401, "The audience of the client assertion is not this authority: use the address of the token endpoint.";
    ASSERTION_TIME = 700024, "invalid_client", 401, "The client assertion is not within its valid time range. Check the clock of the client.";
    FEDERATED_ISSUER = 700211, "invalid_client", 401, "No federated identity credential of the application has the issuer of the assertion.";
    FEDERATED_AUDIENCE = 700212, "invalid_client", 401, "The federated identity credential of the application has another audience than the assertion.";
    FEDERATED_SUBJECT = 700213, "invalid_client", 401, "No federated identity credential of the application has the subject of the assertion.";
    FEDERATED_USER = 700229, "invalid_client", 401, "Of Casbah's own tokens only those that applications get as themselves can be used as an assertion.";
    MALFORMED_CREDENTIALS = 70002, "invalid_client", 401, "The client credentials in the Authorization header cannot be read.";
    // Resource and scope
    NO_RESOURCE = 50001, "invalid_resource", 400, "The request names no resource.";
    UNKNOWN_RESOURCE = 500011, "invalid_resource", 400, "The resource does not exist in the tenant.";
    RESOURCE_DISABLED = 500014, "invalid_resource", 400, "The resource is disabled in the tenant.";
    INVALID_SCOPE = 70011, "invalid_scope", 400, "The scope is not valid.";
    SCOPE_NOT_DEFAULT = 1002012, "invalid_scope", 400, "The client credentials grant wants the scope RESOURCE/.default.";
    TWO_RESOURCES = 700022, "invalid_scope", 400, "The scope names more than one resource; ask for one at a time.";
    // Codes and tokens
    INVALID_GRANT = 70000, "invalid_grant", 400, "The code or token is malformed, unknown, or was issued to another application.";
    EXPIRED_GRANT = 70008, "invalid_grant", 400, "The code or token has expired. Sign in again.";
    CODE_REDEEMED = 54005, "invalid_grant", 400, "The authorization code was redeemed before. Codes work once; the tokens issued from it are revoked.";
    USER_ASSERTION = 50013, "invalid_grant", 400, "The assertion is not an access token of a user that this authority issued to the application.";
    USER_ASSERTION_AUDIENCE = 500131, "invalid_grant", 400, "The assertion was issued for another application than the one that sends it.";
    USER_ASSERTION_EXPIRED = 500133, "invalid_grant", 400, "The assertion is not within its time. Get a new access token.";
    ID_TOKEN_AS_ASSERTION = 240002, "invalid_grant", 400, "The assertion is an ID token. Send the access token that the application was called with.";
    OTHER_TENANT = 700005, "invalid_grant", 400, "The code was issued by another tenant.";
    REVOKED = 50173, "invalid_grant", 400, "The grant was revoked, for example by a new password. Sign in again.";
    INACTIVE = 700082, "invalid_grant", 400, "The refresh token was not used for too long. Sign in again.";
    SIGN_IN_TOO_OLD = 70043, "invalid_grant", 400, "The sign-in behind the refresh token is older than the tenant allows. Sign in again.";
    SPA_REFRESH_ENDED = 700084, "invalid_grant", 400, "The refresh token of a single-page application lives for 24 hours. Sign in again.";
    REDIRECT_DIFFERS = 500112, "invalid_grant", 400, "The redirect URI differs from the one that the code was sent to.";
    VERIFIER_MISSING = 50148, "invalid_grant", 400, "The code_verifier is missing, or was sent without a code_challenge before.";
    VERIFIER_WRONG = 501481, "invalid_grant", 400, "The code_verifier does not match the code_challenge of the authorization request.";
    PKCE_NEEDED = 9002325, "invalid_request", 400, "A single-page application must use PKCE.";
    CROSS_ORIGIN = 9002326, "invalid_request", 400, "Only a single-page application may redeem from a browser: register the redirect URI as one.";
    NOT_CROSS_ORIGIN = 9002327, "invalid_request", 400, "Tokens of a single-page application are redeemed by its page, with an Origin header.";
    CHALLENGE_METHOD = 50149, "invalid_request", 400, "The code_challenge_method must be S256 or plain.";
    CHALLENGE_SIZE = 501491, "invalid_request", 400, "The code_challenge or code_verifier must have 43 to 128 unreserved characters.";
    // What Casbah knows beyond Microsoft: numbers of its own, from 9900001
    BAD_PROOF = 9900001, "invalid_dpop_proof", 400, "The proof of possession in the DPoP header is not right for the request.";
    KEY_DIFFERS = 9900002, "invalid_grant", 400, "The code or refresh token is bound to a key: send a proof of possession made with it.";
    PUSHED_UNKNOWN = 9900003, "invalid_request_uri", 400, "The pushed authorization request is unknown, was used, has expired, or belongs to another application or browser. Start again.";
    UPSTREAM = 9900004, "access_denied", 400, "Signing in with another provider did not work: it refused, its answer cannot be trusted, or the organisation does not let people sign in with it. The message says which.";
    // The user
    WRONG_PASSWORD = 50126, "invalid_grant", 400, "User name or password is wrong.";
    LOCKED = 50053, "invalid_grant", 400, "There were too many wrong passwords or codes. Wait a minute and try again.";
    USER_DISABLED = 50057, "invalid_grant", 400, "The user account is disabled.";
    PASSWORD_EXPIRED = 50055, "invalid_grant", 400, "The password must be changed before it can be used. Sign in with a browser.";
    DIRECTORY_PASSWORD_EXPIRED = 50144, "invalid_grant", 400, "The password is older than the organisation allows. Sign in with a browser and change it.";
    PASSWORD_RESET_INTERRUPTS = 50125, "interaction_required", 400, "The user must choose a new password first. Show the sign-in page.";
    REGISTRATION_NEEDED = 50072, "interaction_required", 400, "The application asks for a second factor, and the user must register one first. Show the sign-in page.";
    STRONG_SIGN_IN_NEEDED = 50074, "interaction_required", 400, "The application asks for a second factor, and it was not shown. Show the sign-in page.";
    SECOND_FACTOR_NEEDED = 50076, "invalid_grant", 400, "The user must prove who it is with a second factor. Sign in with a browser.";
    SECOND_FACTOR_STALE = 50078, "invalid_grant", 400, "The second factor was shown too long ago for what the organisation demands. Sign in again.";
    SECOND_FACTOR_UNREGISTERED = 50079, "interaction_required", 400, "The organisation demands a second factor, and the user must register one. Sign in with a browser.";
    WRONG_SECOND_FACTOR = 500121, "invalid_grant", 400, "The code or passkey is wrong, or was used before.";
    PASSWORD_REFUSED = 50056, "invalid_grant", 400, "The new password is not acceptable. The message says why.";
    SIGN_IN_AGAIN = 50133, "invalid_grant", 400, "The sign-in is too old for this change. Sign in again.";
    STEP_EXPIRED = 50089, "invalid_grant", 400, "The sign-in took too long or was finished elsewhere. Start again.";
    UNKNOWN_ACCOUNT = 50020, "invalid_grant", 400, "The person signed in with another provider, and that account is nobody in the organisation. An administrator can invite it as a guest.";
    NOT_SIGNED_IN = 50058, "login_required", 400, "The application asked for a silent sign-in, but nobody is signed in.";
    USER_NOT_ASSIGNED = 50105, "invalid_grant", 400, "The application is open only to people who are assigned to it. An administrator assigns the user, or a group that the user is in.";
    APPLICATION_NOT_ASSIGNED = 501051, "invalid_grant", 400, "The resource is open only to applications that hold one of its app roles. An administrator assigns one.";
    CONSENT_MISSING = 65001, "invalid_grant", 400, "The user or an administrator has not consented to the application. Consent first.";
    CONSENT_DECLINED = 65004, "access_denied", 400, "The user declined to consent.";
    ADMIN_CONSENT_NEEDED = 90094, "consent_required", 400, "Only an administrator can consent to these permissions.";
    MISCONFIGURED = 650056, "invalid_request", 400, "The application lists no permission on the resource. Add one to its registration.";
    // The authorize endpoint
    QUERY_TOO_LONG = 90015, "invalid_request", 414, "The query of the request is too long. Shorten the state or the other parameters, or push the request ahead.";
    WRONG_REDIRECT = 50011, "invalid_request", 400, "The redirect URI is not registered for the application. It must be identical, character by character.";
    REDIRECT_NO_URI = 90102, "invalid_request", 400, "The redirect URI is not an absolute URI.";
    NO_REDIRECT = 900971, "invalid_request", 400, "The request names no redirect URI and the application has not exactly one.";
    RESPONSE_TYPE_DISABLED = 700054, "unsupported_response_type", 400, "The response type is not enabled for the application. Use code.";
    RESPONSE_TYPE_UNKNOWN = 70005, "unsupported_response_type", 400, "The response type is not supported. Use code.";
    RESPONSE_MODE_UNKNOWN = 70007, "invalid_request", 400, "The response mode is not supported. Use query, fragment or form_post.";
    REQUEST_OBJECT = 90120, "request_not_supported", 400, "Request objects are not supported.";
    REQUEST_URI = 90121, "request_uri_not_supported", 400, "Request URIs are not supported.";
    INVALID_PARAMETER = 90013, "invalid_request", 400, "A parameter has a value that is not valid. The message names it.";
    // Device codes
    DEVICE_PENDING = 70016, "authorization_pending", 400, "The user has not finished signing in on the other device.";
    DEVICE_UNKNOWN = 70018, "bad_verification_code", 400, "The device code or user code is wrong.";
    USER_CODE_EXPIRED = 70019, "expired_token", 400, "The code that was typed is too old. Start again on the device.";
    DEVICE_EXPIRED = 70020, "expired_token", 400, "The device code has expired. Start again.";
    // Us
    UNAVAILABLE = 90033, "temporarily_unavailable", 503, "The authority is busy. Try again in a moment.";
    INTERNAL = 70012, "server_error", 500, "The authority failed. The log of the server tells why, under the trace id.";
}
