// Unmodified Microsoft Graph client for JavaScript against a running Casbah: the life of an application, of a
// group and of a person, as programs that administer a directory go through it.

import assert from "node:assert/strict";
import { ClientSecretCredential } from "@azure/identity";
import { Client, PageIterator } from "@microsoft/microsoft-graph-client";
import { TokenCredentialAuthenticationProvider } from "@microsoft/microsoft-graph-client/authProviders/azureTokenCredentials/index.js";
import { Checks, DEFAULT, RESOURCE, TENANT, URL_, env, listAlerts } from "./checks.mjs";

const checks = new Checks("Graph client for JavaScript", "@microsoft/microsoft-graph-client");
const AUTHORITY_HOST = { authorityHost: URL_, disableInstanceDiscovery: true };

const credential = new ClientSecretCredential(
  TENANT, env.E2E_DIRECTORY_CLIENT_ID, env.E2E_DIRECTORY_CLIENT_SECRET, AUTHORITY_HOST,
);
const graph = Client.initWithMiddleware({
  baseUrl: `${URL_}/`,
  // The library sends tokens to Microsoft's hosts and to those that are named here.
  customHosts: new Set([new URL(URL_).hostname]),
  authProvider: new TokenCredentialAuthenticationProvider(credential, { scopes: [`${URL_}/.default`] }),
});

/** The error that a request ends with. */
const refused = (request) => request.then(() => assert.fail("not refused"), (error) => error);

checks.of("secret: a token of Azure's identity library", async () => {
  const { value: [organization] } = await graph.api("/organization").get();
  assert.equal(organization.id, TENANT);
});

checks.of("directory: an application's life", async () => {
  const owner = await graph.api(`/users/${env.CASBAH_USER}`).select("id,displayName").get();
  assert.deepEqual(Object.keys(owner).filter((name) => !name.startsWith("@")).sort(), ["displayName", "id"]);
  const app = await graph.api("/applications").post({
    displayName: "made by the client", signInAudience: "AzureADMyOrg", web: { redirectUris: ["https://app.example/cb"] },
    "owners@odata.bind": [`${URL_}/v1.0/directoryObjects/${owner.id}`],
  });
  const it = `/applications/${app.id}`;
  assert.ok((await graph.api(`${it}/owners`).get()).value.some(({ id }) => id === owner.id));
  await graph.api(it).patch({ displayName: "changed by the client", tags: ["one"] });
  const changed = await graph.api(it).get();
  assert.deepEqual([changed.displayName, changed.tags, changed.web.redirectUris],
    ["changed by the client", ["one"], ["https://app.example/cb"]]);

  const own = await graph.api("/servicePrincipals").post({ appId: app.appId });
  const { value: [resource] } = await graph.api("/servicePrincipals").filter(`appId eq '${RESOURCE}'`).get();
  const role = resource.appRoles.find(({ value }) => value === "investigation.read");
  const assigned = await graph.api(`/servicePrincipals/${own.id}/appRoleAssignments`).post({
    principalId: own.id, resourceId: resource.id, appRoleId: role.id,
  });
  const { value: assignments } = await graph.api(`/servicePrincipals/${resource.id}/appRoleAssignedTo`).top(999).get();
  assert.ok(assignments.some(({ id, principalId }) => id === assigned.id && principalId === own.id));
  const secret = await graph.api(`${it}/addPassword`).post({ passwordCredential: { displayName: "first" } });
  assert.ok(secret.secretText.startsWith(secret.hint));
  const { token } = await new ClientSecretCredential(TENANT, app.appId, secret.secretText, AUTHORITY_HOST).getToken(DEFAULT);
  await listAlerts(token);

  const federated = { name: "main", issuer: "https://ci.example", subject: "repo:a/b", audiences: ["api://AzureADTokenExchange"] };
  await graph.api(`${it}/federatedIdentityCredentials`).post(federated);
  await graph.api(`${it}/federatedIdentityCredentials/main`).patch({ subject: "repo:a/c" });
  const kept = await graph.api(`${it}/federatedIdentityCredentials/main`).get();
  assert.deepEqual([kept.subject, kept.issuer], ["repo:a/c", federated.issuer]);

  const scope = await graph.api("/oauth2PermissionGrants").post({
    clientId: own.id, consentType: "AllPrincipals", resourceId: resource.id, scope: "investigation.read",
  });
  await graph.api(`/oauth2PermissionGrants/${scope.id}`).patch({ scope: "investigation.read discovery.read" });
  const { value: grants } = await graph.api(`/servicePrincipals/${own.id}/oauth2PermissionGrants`).get();
  assert.deepEqual(grants.map((grant) => grant.scope.trim()), ["investigation.read discovery.read"]);

  await graph.api(it).delete();
  assert.equal((await refused(graph.api(it).get())).statusCode, 404);
  const gone = await graph.api(`/directory/deletedItems/${app.id}`).get();
  assert.equal(gone.displayName, "changed by the client");
  const restored = await graph.api(`/directory/deletedItems/${app.id}/restore`).post({});
  assert.equal(restored.id, app.id);
  assert.equal((await graph.api(it).get()).appId, app.appId);
  await graph.api(it).delete();
  await graph.api(`/directory/deletedItems/${app.id}`).delete();
  assert.equal((await refused(graph.api(`/directory/deletedItems/${app.id}`).get())).statusCode, 404);
});

checks.of("directory: groups, people and pages of a list", async () => {
  const domain = env.CASBAH_USER.split("@")[1];
  const people = [];
  for (const name of ["quill", "quinn", "quirin"]) {
    people.push(await graph.api("/users").post({
      accountEnabled: true, displayName: `Q ${name}`, mailNickname: name, userPrincipalName: `${name}@${domain}`,
      passwordProfile: { password: "correct horse battery", forceChangePasswordNextSignIn: false },
    }));
  }
  const group = await graph.api("/groups").post({
    displayName: "Qs", mailNickname: "qs", mailEnabled: false, securityEnabled: true,
    "members@odata.bind": [`${URL_}/v1.0/users/${people[0].id}`],
  });
  for (const { id } of people.slice(1)) {
    await graph.api(`/groups/${group.id}/members/$ref`).post({ "@odata.id": `${URL_}/v1.0/directoryObjects/${id}` });
  }
  const first = await graph.api(`/groups/${group.id}/members`).top(2).get();
  assert.equal(first.value.length, 2);
  const seen = [];
  await new PageIterator(graph, first, ({ id }) => seen.push(id)).iterate();
  assert.deepEqual(seen.sort(), people.map(({ id }) => id).sort());
  const found = await graph.api("/users").header("ConsistencyLevel", "eventual").count(true)
    .filter("startswith(displayName,'Q qui')").orderby("displayName").select(["id", "displayName"]).get();
  assert.equal(found["@odata.count"], 3);
  assert.deepEqual(found.value.map(({ displayName }) => displayName), ["Q quill", "Q quinn", "Q quirin"]);
  await graph.api(`/groups/${group.id}/members/${people[0].id}/$ref`).delete();
  const { value } = await graph.api(`/users/${people[1].id}/getMemberGroups`).post({ securityEnabledOnly: true });
  assert.deepEqual(value, [group.id]);
  await graph.api(`/groups/${group.id}`).delete();
  for (const { id } of people) await graph.api(`/users/${id}`).delete();
});

checks.of("errors: as the library reads them", async () => {
  const missing = await refused(graph.api("/applications/00000000-0000-4000-8000-000000000000").get());
  assert.deepEqual([missing.statusCode, missing.code], [404, "Request_ResourceNotFound"]);
  const wrong = await refused(graph.api("/groups").post({ displayName: "without the rest" }));
  assert.deepEqual([wrong.statusCode, wrong.code], [400, "Request_BadRequest"]);
  assert.ok(wrong.message && wrong.requestId, JSON.stringify(wrong));
});

await checks.run();
