//! Ready lines for the usual languages, with the real ids in them. The secret comes from the environment.

use casbah_authority::seed;
use casbah_model::Guid;

/// What the lines are about.
pub(super) struct Ids<'a> {
    pub(super) base: &'a str,
    pub(super) tenant: String,
    pub(super) client: Guid,
    /// Path of the call.
    pub(super) path: &'a str,
}

/// Language and lines.
pub(super) fn all(ids: &Ids<'_>) -> Vec<(&'static str, String)> {
    let Ids { base, tenant, client, path } = ids;
    let scope = format!("{}/.default", seed::CLOUD_APPS);
    let authority = format!("{base}/{tenant}");
    vec![
        (
            "curl",
            format!(
                "TOKEN=$(curl -s {authority}/oauth2/v2.0/token \\\n  -d grant_type=client_credentials -d client_id={client} \\\n  \
                 --data-urlencode client_secret=\"$CASBAH_CLIENT_SECRET\" -d scope={scope} | jq -r .access_token)\n\
                 curl -H \"Authorization: Bearer $TOKEN\" {base}{path}"
            ),
        ),
        (
            "PowerShell",
            format!(
                "$token = (Invoke-RestMethod -Method Post -Uri {authority}/oauth2/v2.0/token -Body @{{\n  \
                 grant_type = 'client_credentials'; client_id = '{client}'\n  \
                 client_secret = $env:CASBAH_CLIENT_SECRET; scope = '{scope}' }}).access_token\n\
                 Invoke-RestMethod -Uri {base}{path} -Headers @{{ Authorization = \"Bearer $token\" }}"
            ),
        ),
        (
            "Python (MSAL)",
            format!(
                "import os, msal, requests\n\
                 app = msal.ConfidentialClientApplication(\n    '{client}', authority='{authority}', instance_discovery=False,\n    \
                 client_credential=os.environ['CASBAH_CLIENT_SECRET'])\n\
                 token = app.acquire_token_for_client(['{scope}'])['access_token']\n\
                 print(requests.get('{base}{path}', headers={{'Authorization': f'Bearer {{token}}'}}).json())"
            ),
        ),
        (
            "Node",
            format!(
                "import {{ ConfidentialClientApplication }} from \"@azure/msal-node\";\n\
                 const app = new ConfidentialClientApplication({{ auth: {{\n  clientId: \"{client}\", authority: \"{authority}\",\n  \
                 knownAuthorities: [new URL(\"{base}\").host], clientSecret: process.env.CASBAH_CLIENT_SECRET }} }});\n\
                 const {{ accessToken }} = await app.acquireTokenByClientCredential({{ scopes: [\"{scope}\"] }});\n\
                 const answer = await fetch(\"{base}{path}\", {{ headers: {{ Authorization: `Bearer ${{accessToken}}` }} }});\n\
                 console.log(await answer.json());"
            ),
        ),
        (
            "Go",
            format!(
                "cred, err := confidential.NewCredFromSecret(os.Getenv(\"CASBAH_CLIENT_SECRET\"))\n\
                 client, err := confidential.New(\"{authority}\", \"{client}\", cred, confidential.WithInstanceDiscovery(false))\n\
                 result, err := client.AcquireTokenByCredential(ctx, []string{{\"{scope}\"}})\n\
                 request, err := http.NewRequest(\"GET\", \"{base}{path}\", nil)\n\
                 request.Header.Set(\"Authorization\", \"Bearer \"+result.AccessToken)\n\
                 response, err := http.DefaultClient.Do(request)"
            ),
        ),
        (
            "C#",
            format!(
                "var app = ConfidentialClientApplicationBuilder.Create(\"{client}\")\n    \
                 .WithClientSecret(Environment.GetEnvironmentVariable(\"CASBAH_CLIENT_SECRET\"))\n    \
                 .WithOidcAuthority(\"{authority}/v2.0\").Build();\n\
                 var token = await app.AcquireTokenForClient(new[] {{ \"{scope}\" }}).ExecuteAsync();\n\
                 var http = new HttpClient();\n\
                 http.DefaultRequestHeaders.Authorization = new(\"Bearer\", token.AccessToken);\n\
                 Console.WriteLine(await http.GetStringAsync(\"{base}{path}\"));"
            ),
        ),
    ]
}
