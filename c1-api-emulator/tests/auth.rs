//! Authentication with the emulator over loopback.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

mod client;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use c1_api_emulator::{Builder, Emulator};
use reqwest::Response;
use ring::digest::{SHA256, digest};
use ring::signature::{Ed25519KeyPair, KeyPair as _};
use serde_json::{Value, json};

const NOW: u64 = 1_800_000_000;
const DEVICE: &str = "urn:ietf:params:oauth:grant-type:device_code";

/// A tenant with a clock that changes only when it is set.
struct Tenant {
    emulator: Emulator,
    http: reqwest::Client,
    seconds: Arc<AtomicU64>,
}

impl Tenant {
    async fn start(settings: impl FnOnce(Builder) -> Builder) -> Self {
        // Fails if another test has installed it already.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let seconds = Arc::new(AtomicU64::new(NOW));
        let clock = Arc::clone(&seconds);
        let builder = Emulator::builder().clock(move || {
            SystemTime::UNIX_EPOCH + Duration::from_secs(clock.load(Ordering::Relaxed))
        });
        Self {
            emulator: settings(builder).start().await.unwrap(),
            http: reqwest::Client::builder().no_proxy().build().unwrap(),
            seconds,
        }
    }

    fn url(&self, path: &str) -> String {
        format!("{}{path}", self.emulator.base_url())
    }

    async fn form(&self, path: &str, form: &[(&str, &str)]) -> (u16, Value) {
        json(self.http.post(self.url(path)).form(form)).await
    }

    async fn token(&self, form: &[(&str, &str)]) -> (u16, Value) {
        self.form("/auth/v1/token", form).await
    }

    /// The status of an API call with the token.
    async fn call(&self, token: &str) -> u16 {
        let apps = self.http.get(self.url("/api/v1/apps")).bearer_auth(token);
        json(apps).await.0
    }
}

async fn json(request: reqwest::RequestBuilder) -> (u16, Value) {
    let response = request.send().await.unwrap();
    (response.status().as_u16(), response.json().await.unwrap())
}

fn text(value: &Value) -> &str {
    value.as_str().unwrap()
}

fn by_secret<'a>(id: &'a str, secret: &'a str) -> [(&'a str, &'a str); 3] {
    [
        ("grant_type", "client_credentials"),
        ("client_id", id),
        ("client_secret", secret),
    ]
}

fn header<'a>(response: &'a Response, name: &str) -> &'a str {
    let values: Vec<_> = response.headers().get_all(name).iter().collect();
    assert_eq!(values.len(), 1, "{name}");
    values[0].to_str().unwrap()
}

#[tokio::test]
async fn a_personal_client_gets_tokens_until_it_expires() {
    let tenant = Tenant::start(|builder| builder).await;
    let url = tenant.url("/api/v1/iam/personal_clients");
    let body = json!({ "displayName": "Laptop", "expires": "90.5s", "scopedRoles": ["r"],
        "allowSourceCidr": ["127.0.0.0/8"] });
    let request = || tenant.http.post(&url).json(&body);
    assert_eq!(json(request()).await.0, 401, "it requires a token");
    let token = tenant.emulator.access_token().unwrap();
    let (status, response) = json(request().bearer_auth(&token)).await;
    assert_eq!(status, 200, "{response}");
    let client = &response["client"];
    let (id, secret) = (text(&client["clientId"]), text(&response["clientSecret"]));
    let host = tenant.emulator.base_url().strip_prefix("http://").unwrap();
    assert!(id.ends_with(&format!("@{host}/pcc")), "{id}");
    assert!(secret.starts_with("secret-token:conductorone.com:v1:"));
    for name in ["displayName", "scopedRoles", "allowSourceCidr"] {
        assert_eq!(client[name], body[name]);
    }
    assert_eq!(client["createdAt"], "2027-01-15T08:00:00Z");
    assert_eq!(client["expiresTime"], "2027-01-15T08:01:30.500Z");

    let (status, response) = tenant.token(&by_secret(id, secret)).await;
    assert_eq!((status, &response["token_type"]), (200, &json!("Bearer")));
    assert_eq!(tenant.call(text(&response["access_token"])).await, 200);
    tenant.seconds.store(NOW + 91, Ordering::Relaxed);
    let (status, response) = tenant.token(&by_secret(id, secret)).await;
    assert_eq!(
        (status, &response["error"]),
        (401, &json!("invalid_client"))
    );

    let bad = json!({ "expires": "0s" });
    let bad = tenant.http.post(&url).json(&bad).bearer_auth(&token);
    assert_eq!(json(bad).await.0, 400);
}

#[tokio::test]
async fn a_personal_client_is_its_users_and_gone_when_it_is_deleted() {
    let tenant = Tenant::start(|builder| builder).await;
    let own = tenant.emulator.access_token().unwrap();
    let users = tenant.http.get(tenant.url("/api/v1/users"));
    let users = json(users.bearer_auth(&own)).await.1["list"].clone();
    let user = text(&users[2]["user"]["id"]).to_owned();
    let token = tenant.emulator.access_token_of(&user).unwrap();
    let url = tenant.url("/api/v1/iam/personal_clients");
    let create = tenant.http.post(&url).json(&json!({ "displayName": "x" }));
    let response = json(create.bearer_auth(&token)).await.1;
    assert_eq!(response["client"]["userId"], json!(user));
    let (id, secret) = (
        text(&response["client"]["clientId"]),
        text(&response["clientSecret"]),
    );
    let (status, issued) = tenant.token(&by_secret(id, secret)).await;
    assert_eq!(status, 200, "{issued}");
    let issued = text(&issued["access_token"]);
    let me = tenant.http.get(tenant.url("/api/v1/auth/introspect"));
    let me = json(me.bearer_auth(issued)).await.1;
    assert_eq!(me["userId"], json!(user));

    let object = format!("{url}/{}", text(&response["client"]["id"]));
    let delete = tenant.http.delete(object).bearer_auth(&own);
    assert_eq!(json(delete).await.0, 200);
    assert_eq!(tenant.call(issued).await, 401, "its tokens are revoked");
    assert_eq!(tenant.call(&own).await, 200, "others are not");
    let (status, response) = tenant.token(&by_secret(id, secret)).await;
    assert_eq!(
        (status, &response["error"]),
        (401, &json!("invalid_client"))
    );
}

#[tokio::test]
async fn an_update_changes_when_a_personal_client_expires() {
    let tenant = Tenant::start(|builder| builder).await;
    let own = tenant.emulator.access_token().unwrap();
    let url = tenant.url("/api/v1/iam/personal_clients");
    let create = tenant.http.post(&url).json(&json!({ "expires": "60s" }));
    let created = json(create.bearer_auth(&own)).await.1;
    let object = format!("{url}/{}", text(&created["client"]["id"]));
    let later = json!({ "client": { "expiresTime": "2027-01-15T08:02:00Z" } });
    let update = tenant.http.post(object).json(&later).bearer_auth(&own);
    assert_eq!(json(update).await.0, 200);
    let (id, secret) = (
        text(&created["client"]["clientId"]),
        text(&created["clientSecret"]),
    );
    for (seconds, status) in [(90, 200), (120, 401)] {
        tenant.seconds.store(NOW + seconds, Ordering::Relaxed);
        assert_eq!(tenant.token(&by_secret(id, secret)).await.0, status);
    }
}

/// The signed assertion of a client, with a key that its secret holds.
fn assertion(id: &str, secret: &str) -> String {
    let jwk = secret.strip_prefix("secret-token:conductorone.com:v1:");
    let jwk = URL_SAFE_NO_PAD.decode(jwk.unwrap()).unwrap();
    let jwk: Value = serde_json::from_slice(&jwk).unwrap();
    let seed = URL_SAFE_NO_PAD.decode(text(&jwk["d"])).unwrap();
    let key = Ed25519KeyPair::from_seed_unchecked(&seed).unwrap();
    let claims = json!({ "iss": id, "sub": id, "aud": "127.0.0.1", "exp": NOW + 120, "iat": NOW });
    signed(&key, &json!({ "alg": "EdDSA" }), &claims)
}

#[tokio::test]
async fn a_service_principal_is_a_user_with_credentials() {
    let tenant = Tenant::start(|builder| builder).await;
    if !client::has("principal.create_credential") {
        return;
    }
    let own = tenant.emulator.access_token().unwrap();
    let send = async |request: reqwest::RequestBuilder| json(request.bearer_auth(&own)).await;
    let get = async |url: &str| send(tenant.http.get(url)).await;
    let post = async |url: &str, body: Value| send(tenant.http.post(url).json(&body)).await;
    let principals = tenant.url("/api/v1/service_principals");
    let created = post(&principals, json!({ "displayName": "Deployer" }))
        .await
        .1;
    let principal = text(&created["servicePrincipal"]["id"]);
    let user = &created["servicePrincipal"]["user"];
    assert_eq!(
        (&user["id"], &user["type"]),
        (&json!(principal), &json!("USER_TYPE_SERVICE"))
    );
    let user = tenant.url(&format!("/api/v1/users/{principal}"));
    assert_eq!(
        get(&user).await.1["userView"]["user"]["displayName"],
        "Deployer"
    );

    let object = format!("{principals}/{principal}");
    let credentials = format!("{object}/credentials");
    let nosuch = format!("{principals}/nosuch/credentials");
    assert_eq!(post(&nosuch, json!({})).await.0, 404);
    let body = json!({ "displayName": "CI", "expires": "60s", "scopedRoles": ["r"] });
    let (status, response) = post(&credentials, body).await;
    assert_eq!(status, 200, "{response}");
    let credential = &response["credential"];
    assert_eq!(credential["expiresAt"], "2027-01-15T08:01:00Z");
    assert_eq!(credential["scopedRoleIds"], json!(["r"]));
    let (id, secret) = (
        text(&credential["clientId"]),
        text(&response["clientSecret"]),
    );
    assert!(id.ends_with("/spc"), "{id}");
    let listed = get(&credentials).await.1;
    assert_eq!(listed["list"][0]["clientId"], json!(id));
    for text in [listed.to_string(), tenant.emulator.snapshot().to_string()] {
        assert!(text.contains(id) && !text.contains(secret));
    }

    let by_assertion = |assertion: &str| {
        let form = [
            ("grant_type", "client_credentials"),
            ("client_id", id),
            (
                "client_assertion_type",
                "urn:ietf:params:oauth:client-assertion-type:jwt-bearer",
            ),
            ("client_assertion", assertion),
        ];
        form.map(|(name, value)| (name, value.to_owned()))
    };
    let form = by_assertion(&assertion(id, secret));
    let form = form.each_ref().map(|(name, value)| (*name, value.as_str()));
    let (status, issued) = tenant.token(&form).await;
    assert_eq!(status, 200, "{issued}");
    let issued = text(&issued["access_token"]);
    let me = tenant.http.get(tenant.url("/api/v1/auth/introspect"));
    assert_eq!(
        json(me.bearer_auth(issued)).await.1["userId"],
        json!(principal)
    );

    let revoke = tenant
        .http
        .delete(format!("{credentials}/{}", text(&credential["id"])));
    assert_eq!(send(revoke).await.0, 200);
    assert_eq!(tenant.call(issued).await, 401, "its tokens are revoked");
    assert_eq!(tenant.token(&by_secret(id, secret)).await.0, 401);

    let bound = post(&credentials, json!({ "requireDpop": true })).await.1;
    assert_eq!(bound["credential"]["requireDpop"], true);
    let (id, secret) = (
        text(&bound["credential"]["clientId"]),
        text(&bound["clientSecret"]),
    );
    let (status, response) = tenant.token(&by_secret(id, secret)).await;
    assert_eq!(
        (status, &response["error"]),
        (400, &json!("invalid_dpop_proof"))
    );
    let url = tenant.url("/auth/v1/token");
    let request = tenant.http.post(&url).form(&by_secret(id, secret));
    let proven = request.header("DPoP", proof("POST", &url, "", "", "1"));
    assert_eq!(json(proven).await.1["token_type"], "DPoP");

    assert_eq!(send(tenant.http.delete(&object)).await.0, 200);
    assert_eq!(get(&user).await.0, 404);
    assert_eq!(
        tenant.token(&by_secret(id, secret)).await.1["error"],
        "invalid_client"
    );
}

#[tokio::test]
async fn device_logins_can_be_approved_and_denied() {
    let tenant = Tenant::start(|builder| builder).await;
    let login = async || {
        let client = [("client_id", "a-tool")];
        let (status, login) = tenant.form("/auth/v1/device_authorization", &client).await;
        assert_eq!(status, 200, "{login}");
        login
    };
    let poll = async |login: &Value| {
        let code = text(&login["device_code"]);
        let form = [
            ("grant_type", DEVICE),
            ("device_code", code),
            ("client_id", "a-tool"),
        ];
        tenant.token(&form).await
    };
    let (good, bad) = (login().await, login().await);
    let pending = poll(&good).await;
    assert_eq!(
        (pending.0, &pending.1["error"]),
        (400, &json!("authorization_pending"))
    );
    assert!(tenant.emulator.approve_device(text(&good["user_code"])));
    assert!(tenant.emulator.deny_device(text(&bad["user_code"])));
    assert!(!tenant.emulator.approve_device("nonsense"));
    assert_eq!(poll(&bad).await.1["error"], "access_denied");
    let (status, response) = poll(&good).await;
    assert_eq!(status, 200);
    let token = text(&response["access_token"]);
    assert_eq!(tenant.call(token).await, 200);
    tenant.emulator.revoke_tokens();
    assert_eq!(tenant.call(token).await, 401);

    let get = tenant.http.get(tenant.url("/auth/v1/device_authorization"));
    assert_eq!(json(get).await.0, 405);
}

#[tokio::test]
async fn a_callback_can_approve_device_logins() {
    let codes = Arc::new(Mutex::new(Vec::new()));
    let seen = Arc::clone(&codes);
    let approve = move |code: &str| {
        seen.lock().unwrap().push(code.to_owned());
        true
    };
    let tenant = Tenant::start(|builder| builder.on_device_login(approve)).await;
    let client = [("client_id", "a-tool")];
    let (_, login) = tenant.form("/auth/v1/device_authorization", &client).await;
    assert_eq!(*codes.lock().unwrap(), [text(&login["user_code"])]);
    let code = text(&login["device_code"]);
    let form = [
        ("grant_type", DEVICE),
        ("device_code", code),
        ("client_id", "a-tool"),
    ];
    assert_eq!(tenant.token(&form).await.0, 200);
}

#[tokio::test]
async fn a_subject_token_is_exchanged() {
    let tenant = Tenant::start(|builder| builder).await;
    let subject = tenant.emulator.subject_token().unwrap();
    let form = [
        (
            "grant_type",
            "urn:ietf:params:oauth:grant-type:token-exchange",
        ),
        ("client_id", tenant.emulator.federation_client_id()),
        ("subject_token", &subject),
        ("subject_token_type", "urn:ietf:params:oauth:token-type:jwt"),
    ];
    let (status, response) = tenant.token(&form).await;
    assert_eq!(status, 200, "{response}");
    assert_eq!(tenant.call(text(&response["access_token"])).await, 200);
    tenant.seconds.store(NOW + 601, Ordering::Relaxed);
    let (status, response) = tenant.token(&form).await;
    assert_eq!((status, &response["error"]), (400, &json!("invalid_grant")));
}

/// A JWT that the key signs.
fn signed(key: &Ed25519KeyPair, header: &Value, claims: &Value) -> String {
    let signed = [header, claims].map(|part| URL_SAFE_NO_PAD.encode(part.to_string()));
    let signed = signed.join(".");
    let signature = URL_SAFE_NO_PAD.encode(key.sign(signed.as_bytes()));
    format!("{signed}.{signature}")
}

/// A `DPoP` proof, with the hash of the token and the nonce unless they are empty.
fn proof(method: &str, url: &str, token: &str, nonce: &str, jti: &str) -> String {
    let key = Ed25519KeyPair::from_seed_unchecked(&[7; 32]).unwrap();
    let jwk =
        json!({ "kty": "OKP", "crv": "Ed25519", "x": URL_SAFE_NO_PAD.encode(key.public_key()) });
    let header = json!({ "typ": "dpop+jwt", "alg": "EdDSA", "jwk": jwk });
    let mut claims = json!({ "jti": jti, "htm": method, "htu": url, "iat": NOW, "nonce": nonce });
    if !token.is_empty() {
        claims["ath"] = json!(URL_SAFE_NO_PAD.encode(digest(&SHA256, token.as_bytes())));
    }
    signed(&key, &header, &claims)
}

#[tokio::test]
async fn tokens_bound_by_dpop_require_proofs_and_nonces() {
    let tenant = Tenant::start(|builder| builder.require_dpop(true).dpop_nonces(true)).await;
    let (id, secret) = (tenant.emulator.client_id(), tenant.emulator.client_secret());
    let url = tenant.url("/auth/v1/token");
    let ask = async |nonce: &str, jti: &str| {
        let request = tenant.http.post(&url).form(&by_secret(id, secret));
        let proof = proof("POST", &url, "", nonce, jti);
        request.header("DPoP", proof).send().await.unwrap()
    };
    let rejected = ask("", "1").await;
    let nonce = header(&rejected, "dpop-nonce").to_owned();
    assert_eq!(rejected.status(), 400);
    assert_eq!(
        rejected.json::<Value>().await.unwrap()["error"],
        "use_dpop_nonce"
    );
    let given = ask(&nonce, "2").await;
    assert_eq!(header(&given, "dpop-nonce"), nonce);
    let response: Value = given.json().await.unwrap();
    assert_eq!(response["token_type"], "DPoP");
    let token = text(&response["access_token"]);

    let url = tenant.url("/api/v1/apps");
    let call = async |nonce: &str, jti: &str| {
        let request = tenant.http.get(&url);
        let request = request.header("Authorization", format!("DPoP {token}"));
        let proof = proof("GET", &url, token, nonce, jti);
        request.header("DPoP", proof).send().await.unwrap()
    };
    let rejected = call(&nonce, "3").await;
    assert_eq!(rejected.status(), 401);
    assert_eq!(
        header(&rejected, "www-authenticate"),
        r#"DPoP error="use_dpop_nonce""#
    );
    let nonce = header(&rejected, "dpop-nonce");
    assert_eq!(call(nonce, "4").await.status(), 200);
    tenant.emulator.rotate_dpop_nonces();
    assert_eq!(call(nonce, "5").await.status(), 401);
    assert_eq!(tenant.call(token).await, 401, "as a bearer token");

    let log = tenant.emulator.requests();
    let mut headers = log.iter().flat_map(|request| &request.headers);
    assert!(!headers.any(|(name, _)| name == "dpop" || name == "authorization"));
}

#[tokio::test]
async fn the_date_header_follows_the_tenants_clock() {
    let tenant = Tenant::start(|builder| builder).await;
    for path in ["/api/v1/apps", "/nowhere", "/auth/v1/token"] {
        for request in [
            tenant.http.get(tenant.url(path)),
            tenant.http.post(tenant.url(path)),
        ] {
            let response = request.send().await.unwrap();
            assert_eq!(header(&response, "date"), "Fri, 15 Jan 2027 08:00:00 GMT");
        }
    }
}
