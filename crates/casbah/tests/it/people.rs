//! People, groups and roles through Graph's routes, and what each role may do to whom.

use serde_json::{Value, json};

use crate::harness::{ADMINISTRATOR, Casbah, PASSWORD, PUBLIC_CLIENT, READER, RESOURCE, Session, TENANT};

const USER_ADMINISTRATOR: &str = "fe930be7-5e62-47db-91af-98c3a49a38b1";
const GLOBAL_ADMINISTRATOR: &str = "62e90394-69f5-4237-9190-012177145e10";

fn patch(caller: &Session, path: &str, body: &Value) -> u16 {
    caller.send("PATCH", path, &[("content-type", "application/json")], body.to_string().as_bytes()).status
}

fn created(caller: &Session, path: &str, body: &Value) -> Value {
    let answer = caller.post(path, body);
    assert_eq!(answer.status, 201, "{path}: {}", answer.text());
    answer.json()
}

fn person(caller: &Session, name: &str) -> String {
    let body = json!({
        "userPrincipalName": format!("{name}@contoso.example"), "displayName": format!("{name} O'Neil"),
        "mailNickname": name, "accountEnabled": true, "passwordProfile": { "password": PASSWORD },
    });
    created(caller, "/v1.0/users", &body)["id"].as_str().unwrap().to_string()
}

fn reference(casbah: &Casbah, id: &str) -> Value {
    json!({ "@odata.id": format!("{}/v1.0/directoryObjects/{id}", casbah.url) })
}

fn sign_in(casbah: &Casbah, name: &str, password: &str) -> crate::harness::Answer {
    let scope = format!("{RESOURCE}/.default");
    let form = [
        ("grant_type", "password"),
        ("client_id", PUBLIC_CLIENT),
        ("username", name),
        ("password", password),
        ("scope", scope.as_str()),
    ];
    casbah.anonymous().post_form(&format!("/{TENANT}/oauth2/v2.0/token"), &form)
}

fn give(casbah: &Casbah, caller: &Session, role: &str, id: &str) -> u16 {
    let path = format!("/v1.0/directoryRoles(roleTemplateId='{role}')/members/$ref");
    caller.post(&path, &reference(casbah, id)).status
}

both! {
    fn people_are_found_changed_deleted_and_signed_out(casbah: &Casbah) {
        let ada = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let ids: Vec<String> = ["anna", "bert", "carl"].iter().map(|name| person(&ada, name)).collect();
        let first = ada.get("/v1.0/users?$top=2&$count=true&$orderby=displayName").ok();
        assert_eq!((first["value"].as_array().unwrap().len(), &first["@odata.count"]), (2, &json!(5)));
        let second = ada.get(first["@odata.nextLink"].as_str().unwrap()).ok();
        assert_ne!(first["value"][0]["id"], second["value"][0]["id"]);
        assert_eq!(ada.get("/v1.0/users/$count").text(), "5");
        for filter in ["$search=%22displayName:neil%22", "$filter=startswith(mailNickname,'b')%20or%20displayName%20ne%20null"] {
            assert!(!ada.get(&format!("/v1.0/users?{filter}")).ok()["value"].as_array().unwrap().is_empty());
        }

        let bert = "/v1.0/users/bert@contoso.example";
        assert_eq!(patch(&ada, bert, &json!({ "surname": "Berg", "mail": "b@mail.example" })), 204);
        assert_eq!(patch(&ada, bert, &json!({ "surname": null })), 204);
        let seen = ada.get("/v1.0/users?$filter=mail%20eq%20'B@mail.example'").ok();
        assert_eq!((&seen["value"][0]["id"], &seen["value"][0]["surname"]), (&json!(ids[1]), &Value::Null));

        // Signed out everywhere: what was issued before is refused at once.
        let token = casbah.directory_token("bert@contoso.example");
        casbah.bearer(&token).get("/v1.0/me").ok();
        ada.post(&format!("{bert}/revokeSignInSessions"), &json!({})).ok();
        casbah.bearer(&token).get("/v1.0/me").refused(401);

        assert_eq!(ada.delete(bert).status, 204);
        ada.get(bert).refused(404);
        assert_eq!(ada.get("/v1.0/users/$count").text(), "4");
        person(&ada, "bert");
    }

    /// Whoever is deleted is out at once, leaves the name free, and comes back with everything.
    fn a_deleted_person_is_out_and_comes_back_with_everything(casbah: &Casbah) {
        let ada = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let bert = person(&ada, "bert");
        let group = created(&ada, "/v1.0/groups", &json!({ "displayName": "Readers", "mailNickname": "readers" }));
        let group = group["id"].as_str().unwrap();
        assert_eq!(ada.post(&format!("/v1.0/groups/{group}/members/$ref"), &reference(casbah, &bert)).status, 204);
        let security_reader = "5d6b6bb7-de71-4623-b4af-96380a352509";
        assert_eq!(give(casbah, &ada, security_reader, &bert), 204);
        let shop = created(&ada, "/v1.0/applications", &json!({ "displayName": "Shop" }));
        let shop = created(&ada, "/v1.0/servicePrincipals", &json!({ "appId": shop["appId"] }));
        let assignments = format!("/v1.0/users/{bert}/appRoleAssignments");
        let body = json!({ "principalId": bert, "resourceId": shop["id"], "appRoleId": "00000000-0000-0000-0000-000000000000" });
        created(&ada, &assignments, &body);

        let bert_himself = casbah.user("bert@contoso.example");
        bert_himself.get("/api/v1/alerts/").ok();
        assert_eq!(ada.delete(&format!("/v1.0/users/{bert}")).status, 204);
        bert_himself.get("/api/v1/alerts/").refused(401);
        assert_eq!(sign_in(casbah, "bert@contoso.example", PASSWORD).refused(400)["error_codes"], json!([50126]));
        assert_eq!(ada.get(&format!("/v1.0/groups/{group}/members")).ok()["value"], json!([]));
        ada.get(&format!("/v1.0/directoryObjects/{bert}")).refused(404);
        let deleted = ada.get("/v1.0/directory/deletedItems/microsoft.graph.user?$filter=displayName%20eq%20'bert%20O''Neil'").ok();
        assert_eq!(deleted["value"][0]["id"], bert.as_str());
        assert_eq!(deleted["value"][0]["userPrincipalName"], "bert@contoso.example");
        assert!(deleted["value"][0]["deletedDateTime"].is_string());
        // A reader sees who was deleted, and brings nobody back.
        let rita = casbah.bearer(&casbah.directory_token(READER));
        let restore = format!("/v1.0/directory/deletedItems/{bert}/restore");
        rita.post(&restore, &json!({})).refused(403);
        rita.delete(&format!("/v1.0/directory/deletedItems/{bert}")).refused(403);

        // The name is free; while somebody has it, the first one stays away.
        let other = person(&ada, "bert");
        assert_ne!(other, bert);
        ada.post(&restore, &json!({})).refused(409);
        assert_eq!(ada.delete(&format!("/v1.0/users/{other}")).status, 204);
        assert_eq!(ada.delete(&format!("/v1.0/directory/deletedItems/{other}")).status, 204);
        ada.get(&format!("/v1.0/directory/deletedItems/{other}")).refused(404);
        assert_eq!(ada.post(&restore, &json!({})).ok()["deletedDateTime"], Value::Null);
        // What was open stays closed; a new sign-in has all that the old one had.
        bert_himself.get("/api/v1/alerts/").refused(401);
        casbah.user("bert@contoso.example").get("/api/v1/alerts/").ok();
        assert_eq!(ada.get(&format!("/v1.0/groups/{group}/members")).ok()["value"][0]["id"], bert.as_str());
        assert_eq!(ada.get(&assignments).ok()["value"].as_array().unwrap().len(), 1);
        let held = ada.get(&format!("/v1.0/users/{bert}/memberOf")).ok();
        assert_eq!(held["value"].as_array().unwrap().len(), 2, "{held}");

        // A deleted group gives its members nothing, and is whole again afterwards.
        assert_eq!(ada.delete(&format!("/v1.0/groups/{group}")).status, 204);
        assert_eq!(ada.get(&format!("/v1.0/users/{bert}/memberOf")).ok()["value"].as_array().unwrap().len(), 1);
        let restored = ada.post(&format!("/v1.0/directory/deletedItems/{group}/restore"), &json!({})).ok();
        assert_eq!(restored["displayName"], "Readers");
        assert_eq!(ada.get(&format!("/v1.0/groups/{group}/members")).ok()["value"][0]["id"], bert.as_str());
    }

    fn people_change_their_own_passwords_with_a_token(casbah: &Casbah) {
        let ada = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        person(&ada, "bert");
        let bert = casbah.bearer(&casbah.directory_token("bert@contoso.example"));
        let change = |present: &str, new: &str| {
            bert.post("/v1.0/me/changePassword", &json!({ "currentPassword": present, "newPassword": new }))
        };
        for (present, new, word) in
            [("wrong horse", "a quite different one", "currentPassword"), (PASSWORD, "short", "new password"), (PASSWORD, PASSWORD, "present one")]
        {
            let refused = change(present, new).refused(400);
            assert!(refused["error"]["message"].as_str().unwrap().contains(word), "{refused}");
        }
        bert.post("/v1.0/me/changePassword", &json!({ "newPassword": "a quite different one" })).refused(400);
        // Only one's own, and nobody's by an application.
        bert.post("/v1.0/users/ada@contoso.example/changePassword", &json!({})).refused(404);
        let rita = casbah.bearer(&casbah.directory_token(READER));
        rita.get("/v1.0/me").ok();
        assert_eq!(change(PASSWORD, "a quite different one").status, 204);
        // The old password and what it opened are worth nothing now.
        bert.get("/v1.0/me").refused(401);
        assert_eq!(sign_in(casbah, "bert@contoso.example", PASSWORD).refused(400)["error_codes"], json!([50126]));
        sign_in(casbah, "bert@contoso.example", "a quite different one").ok();
        rita.get("/v1.0/me").ok();
        let trail = ada.get("/v1.0/auditLogs/directoryAudits").ok().to_string();
        assert!(!trail.contains("a quite different one") && !trail.contains(PASSWORD));
    }

    fn several_requests_go_in_one(casbah: &Casbah) {
        let ada = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let kind = json!({ "Content-Type": "application/json" });
        let body = json!({ "requests": [
            { "id": "3", "method": "GET", "url": "/groups?$filter=displayName eq 'Readers'", "dependsOn": ["2"] },
            { "id": "1", "method": "GET", "url": "/me?$select=userPrincipalName" },
            { "id": "2", "method": "POST", "url": "/groups", "headers": kind,
                "body": { "displayName": "Readers", "mailNickname": "readers" } },
        ]});
        let answer = ada.post("/v1.0/$batch", &body).ok();
        let statuses: Vec<&Value> = answer["responses"].as_array().unwrap().iter().map(|r| &r["status"]).collect();
        assert_eq!(statuses, [200, 200, 201], "{answer}");
        assert_eq!(answer["responses"][1]["body"]["userPrincipalName"], ADMINISTRATOR);
        assert_eq!(answer["responses"][0]["body"]["value"][0]["id"], answer["responses"][2]["body"]["id"]);
        let rita = casbah.bearer(&casbah.directory_token(READER));
        let answer = rita.post("/v1.0/$batch", &body).ok();
        assert_eq!(answer["responses"][2]["status"], 403, "{answer}");
        assert_eq!(answer["responses"][0]["status"], 424);
        casbah.anonymous().post("/v1.0/$batch", &body).refused(401);
        casbah.application().post("/v1.0/$batch", &body).refused(401);
        // Each request has a line of its own in the log, as the address of the batch has.
        assert!(casbah.log().contains("/v1.0/groups"));
    }

    fn groups_hold_members_also_through_groups(casbah: &Casbah) {
        let ada = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let anna = person(&ada, "anna");
        let group = |name: &str| created(&ada, "/v1.0/groups", &json!({
            "displayName": name, "mailNickname": name, "mailEnabled": false, "securityEnabled": true,
        }))["id"].as_str().unwrap().to_string();
        let (inner, outer) = (group("inner"), group("outer"));
        for (group, member) in [(&inner, &anna), (&outer, &inner)] {
            assert_eq!(ada.post(&format!("/v1.0/groups/{group}/members/$ref"), &reference(casbah, member)).status, 204);
        }
        ada.post(&format!("/v1.0/groups/{inner}/members/$ref"), &reference(casbah, &anna)).refused(400);
        let all = ada.get(&format!("/v1.0/groups/{outer}/transitiveMembers")).ok();
        assert_eq!(all["value"].as_array().unwrap().len(), 2);
        let asked = json!({ "groupIds": [outer, anna] });
        let checked = ada.post(&format!("/v1.0/users/{anna}/checkMemberGroups"), &asked).ok();
        assert_eq!(checked["value"], json!([outer]));
        assert_eq!(ada.get(&format!("/v1.0/users/{anna}/memberOf")).ok()["value"].as_array().unwrap().len(), 1);
        let rita = casbah.bearer(&casbah.directory_token(READER));
        rita.post("/v1.0/groups", &json!({ "displayName": "r", "mailNickname": "r" })).refused(403);
        rita.delete(&format!("/v1.0/groups/{outer}")).refused(403);
        assert_eq!(ada.delete(&format!("/v1.0/groups/{outer}/members/{inner}/$ref")).status, 204);
        assert_eq!(ada.delete(&format!("/v1.0/groups/{inner}")).status, 204);
        assert_eq!(ada.get(&format!("/v1.0/users/{anna}/transitiveMemberOf")).ok()["value"], json!([]));
    }

    fn administrators_reach_only_those_below_them(casbah: &Casbah) {
        let ada = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        let (anna, bert) = (person(&ada, "anna"), person(&ada, "bert"));
        assert_eq!(give(casbah, &ada, USER_ADMINISTRATOR, &anna), 204);
        let administrator = casbah.bearer(&casbah.directory_token("anna@contoso.example"));
        let reset = json!({ "passwordProfile": { "password": "another horse battery" } });
        assert_eq!(patch(&administrator, &format!("/v1.0/users/{bert}"), &reset), 204);
        for powerful in [ADMINISTRATOR, READER] {
            assert_eq!(patch(&administrator, &format!("/v1.0/users/{powerful}"), &reset), 403);
            assert_eq!(administrator.delete(&format!("/v1.0/users/{powerful}")).status, 403);
        }
        assert_eq!(give(casbah, &administrator, GLOBAL_ADMINISTRATOR, &anna), 403);

        // The last Global Administrator stays, whichever way.
        let me = ada.get("/v1.0/me").ok()["id"].as_str().unwrap().to_string();
        let given = format!("/v1.0/directoryRoles/{GLOBAL_ADMINISTRATOR}/members/{me}/$ref");
        assert_eq!(ada.delete(&given).status, 409);
        assert_eq!(ada.delete(&format!("/v1.0/users/{me}")).status, 409);
        assert_eq!(patch(&ada, &format!("/v1.0/users/{me}"), &json!({ "accountEnabled": false })), 409);
        // A group that can hold roles lends them to those in it, and takes them along.
        let body = json!({ "displayName": "admins", "mailNickname": "admins", "isAssignableToRole": true });
        let admins = created(&ada, "/v1.0/groups", &body)["id"].as_str().unwrap().to_string();
        let body = json!({ "principalId": admins, "roleDefinitionId": GLOBAL_ADMINISTRATOR, "directoryScopeId": "/" });
        let assignment = created(&ada, "/v1.0/roleManagement/directory/roleAssignments", &body);
        let members = format!("/v1.0/groups/{admins}/members/$ref");
        assert_eq!(administrator.post(&members, &reference(casbah, &anna)).status, 403);
        assert_eq!(ada.post(&members, &reference(casbah, &bert)).status, 204);
        assert_eq!(ada.delete(&given).status, 204, "bert is one now");
        let path = format!("/v1.0/roleManagement/directory/roleAssignments/{}", assignment["id"].as_str().unwrap());
        assert_eq!(ada.delete(&path).status, 403, "ada is none any more");
    }

    fn the_clouds_description_is_public_and_the_rest_wants_a_token(casbah: &Casbah) {
        let nobody = casbah.anonymous();
        let cloud = nobody.get("/metadata/endpoints?api-version=2022-09-01").ok();
        let base = cloud["resourceManager"].as_str().unwrap();
        assert_eq!(cloud["authentication"]["audiences"], json!([base]));
        // Terraform signs for this address with a slash of its own behind it.
        assert_eq!(cloud["authentication"]["loginEndpoint"], base.trim_end_matches('/'));
        assert!(base.ends_with('/') && cloud["microsoftGraphResourceId"] == base && cloud["name"].is_string());
        assert_eq!(nobody.get("/metadata/endpoints").refused(400)["error"]["code"], "MissingApiVersionParameter");
        let ada = casbah.bearer(&casbah.directory_token(ADMINISTRATOR));
        for path in ["/subscriptions?api-version=2022-12-01", "/tenants?api-version=2022-12-01"] {
            assert_eq!(nobody.get(path).refused(401)["error"]["code"], "AuthenticationFailed");
            casbah.user(ADMINISTRATOR).get(path).refused(401);
            ada.get(path).ok();
        }
        assert_eq!(ada.get("/subscriptions?api-version=2022-12-01").ok()["value"], json!([]));
        assert_eq!(ada.get("/tenants?api-version=2022-12-01").ok()["value"][0]["tenantId"], TENANT);
    }
}
