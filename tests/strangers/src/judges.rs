//! The judges: what each does, and its verdict.

use std::error::Error;
use std::future::Future;
use std::pin::Pin;

use c1_api_emulator::Emulator;
use c1_api_ext::C1;
use c1_api_spec::select;
use c1_tests::description;
use serde_json::{Value, json};
use tokio::process::Command;

use crate::program::{Prism, Tenant, here, installed, output};
use crate::scenario::{Wish, access_requests, closed, expect, granted, user, wish};
use crate::walk::{Settings, walk};
use crate::{Outcome, document};

/// A share of what a judge can look at, so that CI takes minutes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Share {
    /// Moves on with the commits.
    pub(crate) number: u64,
    /// How many there are.
    pub(crate) of: u64,
}

impl Share {
    pub(crate) fn parse(number: &str, of: &str) -> Outcome<Self> {
        let (number, of) = (number.parse()?, of.parse::<u64>()?.max(1));
        Ok(Self { number, of })
    }
}

type Verdict = Pin<Box<dyn Future<Output = Outcome<String>>>>;

/// One of the judges.
#[derive(Debug)]
pub(crate) struct Judge {
    /// For the command line.
    pub(crate) name: &'static str,
    /// What it is, for the table.
    pub(crate) program: &'static str,
    /// What it judges, for the table.
    pub(crate) about: &'static str,
    /// Whether a share tells the same as all, numbers included.
    pub(crate) same_in_shares: bool,
    run: fn(Share) -> Verdict,
}

impl Judge {
    /// Its verdict, in words; an error if it found something wrong.
    pub(crate) fn run(&self, share: Share) -> Verdict {
        (self.run)(share)
    }
}

/// All of them, in the order of the table.
pub(crate) static JUDGES: &[Judge] = &[
    Judge {
        name: "prism-server",
        program: "Prism 5.16.0 as a server",
        about: "the client's requests; the client reads its responses",
        same_in_shares: false,
        run: |share| Box::pin(prism_server(share)),
    },
    Judge {
        name: "prism-proxy",
        program: "Prism as a proxy",
        about: "both sides of the client's calls of the emulator",
        same_in_shares: false,
        run: |share| Box::pin(prism_proxy(share)),
    },
    Judge {
        name: "types",
        program: "schemathesis 4.32.5",
        about: "that the types lose no field of a response, compared by Python",
        same_in_shares: false,
        run: |share| Box::pin(types(share)),
    },
    Judge {
        name: "requests",
        program: "schemathesis and jsonschema-rs 0.60.3",
        about: "the emulator's verdict of right and wrong requests",
        same_in_shares: true,
        run: |share| Box::pin(requests(share)),
    },
    Judge {
        name: "curl",
        program: "curl, openssl and jq",
        about: "tokens and access requests of the emulator",
        same_in_shares: true,
        run: |_| Box::pin(curl()),
    },
    Judge {
        name: "python",
        program: "openapi-generator 7.26.0, its Python client",
        about: "the description; access requests of the emulator",
        same_in_shares: false,
        run: |share| Box::pin(python(share)),
    },
    Judge {
        name: "vendor",
        program: "The vendor's Python SDK 0.17.2",
        about: "the emulator, by an older document",
        same_in_shares: true,
        run: |_| Box::pin(vendor()),
    },
];

/// Where the document for the other programs is; of the groups alone, if there are any.
fn document(groups: &[&str]) -> Outcome<String> {
    let mut description = description().clone();
    if !groups.is_empty() {
        select::select(&mut description, |group| groups.contains(&group), false);
    }
    let file = installed("openapi.json");
    std::fs::write(&file, document::prepared(&description).to_string())?;
    Ok(file.to_str().ok_or("the path is not UTF-8")?.to_owned())
}

async fn prism_server(share: Share) -> Outcome<String> {
    let document = document(&[])?;
    let prism = Prism::start(&["mock", "--dynamic", &document]).await?;
    let settings = Settings {
        seed: share.number,
        of: share.of,
        refusals: false,
        may_fail: true,
    };
    let walk = walk(&prism.base_url, "any", settings, None)
        .await?
        .verdict()?;
    // Its generator fails for some schemas that refer to themselves.
    if walk.failed.len() > 10 {
        return Err(format!("Prism fails for {:?}", walk.failed).into());
    }
    Ok(format!(
        "{} operations called, no violation; Prism fails to generate a response for {} more",
        walk.answered,
        walk.failed.len()
    ))
}

/// A client of a tenant at `url`, with the token of the user of `emulator` that has the id, or its first.
fn client(emulator: &Emulator, url: &str, user: Option<&str>) -> Outcome<C1> {
    let token = match user {
        None => emulator.access_token()?,
        Some(user) => emulator.access_token_of(user)?,
    };
    let host = url.trim_start_matches("http://");
    Ok(C1::builder().tenant(host).access_token(token).build()?)
}

async fn prism_proxy(share: Share) -> Outcome<String> {
    let document = document(&[])?;
    let mut verdict = String::new();
    for stateful in [false, true] {
        let emulator = Emulator::builder().stateful(stateful).start().await?;
        let prism = Prism::start(&["proxy", &document, emulator.base_url()]).await?;
        let settings = Settings {
            seed: share.number,
            of: share.of,
            refusals: stateful,
            may_fail: false,
        };
        let token = emulator.access_token()?;
        let behind = Some(emulator.base_url());
        let walk = walk(&prism.base_url, &token, settings, behind)
            .await?
            .verdict()?;
        if stateful {
            let c1 = client(&emulator, &prism.base_url, None)?;
            let manager = user(&c1, "Dario Egger").await?;
            let approver = client(&emulator, &prism.base_url, Some(&manager))?;
            lives_in_rust(&c1, &approver).await?;
            let cargo = option_env!("CARGO").unwrap_or("cargo");
            let mut quickstart = Command::new(cargo);
            quickstart
                .args([
                    "run",
                    "--quiet",
                    "--package",
                    "c1-api-ext",
                    "--example",
                    "quickstart",
                    "--",
                    "--write",
                ])
                .env("CONDUCTORONE_SERVER_URL", &prism.base_url)
                .env("CONDUCTORONE_ACCESS_TOKEN", &token);
            output(quickstart, None).await?;
        } else {
            verdict = format!("{} operations", walk.answered);
        }
        emulator.shutdown().await;
    }
    Ok(format!(
        "{verdict}, the quickstart and access requests, no violation"
    ))
}

/// Python with what is installed for it.
fn python_with(script: &str) -> Command {
    let mut python = Command::new("python3");
    python
        .arg(here().join(script))
        .env("PYTHONPATH", installed("python"))
        // The order of sets, and what is generated from them, is to depend on the seed alone.
        .env("PYTHONHASHSEED", "0");
    python
}

/// How many examples of each kind are generated for an operation.
fn number_of_examples(share: Share) -> String {
    if share.of == 1 { "10" } else { "2" }.to_owned()
}

async fn types(share: Share) -> Outcome<String> {
    let mut script = python_with("schemas.py");
    script
        .args(["types", &document(&[])?])
        .arg(std::env::current_exe()?)
        .args([number_of_examples(share), share.number.to_string()]);
    Ok(output(script, None).await?.trim_end().to_owned())
}

async fn requests(share: Share) -> Outcome<String> {
    let emulator = Emulator::builder().stateful(false).start().await?;
    let mut script = python_with("schemas.py");
    script
        .args(["requests", &document(&[])?, emulator.base_url()])
        .args([number_of_examples(share), share.number.to_string()])
        .env("C1_TOKEN", emulator.access_token()?);
    let verdict = output(script, None).await?;
    emulator.shutdown().await;
    Ok(verdict.trim_end().to_owned())
}

/// The groups of the access requests; the Python client of all operations is generated where all is looked at.
const GROUPS: &[&str] = &["app_entitlement_search", "task", "task_actions"];

async fn python(share: Share) -> Outcome<String> {
    let groups = if share.of == 1 { &[] } else { GROUPS };
    let package = installed("client");
    if package.exists() {
        std::fs::remove_dir_all(&package)?;
    }
    let mut generator = Command::new(installed("python/bin/openapi-generator-cli"));
    generator
        .args(["generate", "-g", "python", "-i", &document(groups)?, "-o"])
        .arg(&package)
        .env("PYTHONPATH", installed("python"));
    // It takes the Java of JAVA_HOME, else that of the path.
    output(generator, None).await?;
    let models = std::fs::read_dir(package.join("openapi_client/models"))?.count();
    let (emulator, c1, manager, wish) = tenant().await?;
    let other = other_wish(&c1).await?;
    let approver = client(&emulator, emulator.base_url(), Some(&manager))?;
    let lives = lives_in_rust(&c1, &approver).await?;
    let mut script = python_with("client.py");
    script
        .arg(&package)
        .args([&wish.app, &wish.entitlement, &other.entitlement, &wish.user])
        .args(
            lives
                .iter()
                .map(|(task, outcome)| format!("{task}={outcome}")),
        )
        .env("C1_URL", emulator.base_url())
        .env("C1_TOKEN", emulator.access_token()?)
        .env("APPROVER_TOKEN", emulator.access_token_of(&manager)?);
    let told = output(script, None).await?;
    agree(&c1, &wish.user, &told).await?;
    emulator.shutdown().await;
    Ok(format!(
        "{models} model files; access requested, {LIVES}; it and the Rust client see the same"
    ))
}

async fn vendor() -> Outcome<String> {
    let emulator = Emulator::start().await?;
    let mut script = python_with("vendor.py");
    script
        .env("C1_URL", emulator.base_url())
        .env("C1_TOKEN", emulator.access_token()?);
    let told = output(script, None).await?;
    emulator.shutdown().await;
    Ok(told.trim_end().to_owned())
}

/// What became of the access requests of the programs.
const LIVES: &str = "granted, denied and cancelled, wrong and stale steps refused";

/// A tenant, its client, who approves, and what is asked for.
async fn tenant() -> Outcome<(Emulator, C1, String, Wish)> {
    let emulator = Emulator::start().await?;
    let c1 = client(&emulator, emulator.base_url(), None)?;
    let manager = user(&c1, "Dario Egger").await?;
    let wish = wish(&c1, "Ledger", "Taxes Reader", "Elin Faber").await?;
    Ok((emulator, c1, manager, wish))
}

/// The lives of access requests through the Rust client, for a person whom the other programs do not ask for.
async fn lives_in_rust(c1: &C1, approver: &C1) -> Outcome<[(String, &'static str); 3]> {
    let given = wish(c1, "Ledger", "Taxes Reader", "Filip Grau").await?;
    let other = wish(c1, "Ledger", "Audits Reader", "Filip Grau").await?;
    access_requests(c1, approver, &given, &other).await
}

/// What else is asked for, and not granted.
async fn other_wish(c1: &C1) -> Outcome<Wish> {
    wish(c1, "Ledger", "Audits Reader", "Elin Faber").await
}

/// An error unless the Rust client sees the state that another program has told: a task that was granted.
async fn agree(c1: &C1, user: &str, told: &str) -> Outcome<()> {
    let told: Value = serde_json::from_str(told)?;
    let id = told["id"].as_str().ok_or("no id")?;
    expect(&closed(c1, id).await?, "GRANT_OUTCOME_GRANTED")?;
    if told["outcome"] != "GRANT_OUTCOME_GRANTED" || told["state"] != "TASK_STATE_CLOSED" {
        return Err(format!("the other program saw {told}").into());
    }
    for other in told["others"].as_array().into_iter().flatten() {
        let text = |name: &str| other[name].as_str().unwrap_or_default().to_owned();
        if closed(c1, &text("id")).await? != (text("state"), text("outcome")) {
            return Err(format!("the other program saw {other}").into());
        }
    }
    let names = granted(c1, user).await?;
    if !names.iter().any(|name| name == "Taxes Reader") {
        return Err(format!("what was granted is {names:?}").into());
    }
    if told
        .get("granted")
        .is_some_and(|seen| *seen != json!(names))
    {
        return Err(format!("the other program saw {told}, expected {names:?}").into());
    }
    Ok(())
}

async fn curl() -> Outcome<String> {
    let (emulator, c1, manager, wish) = tenant().await?;
    let script = |arguments: &[&str]| {
        let mut script = Command::new(here().join("curl.sh"));
        script
            .args(arguments)
            .env("CONDUCTORONE_SERVER_URL", emulator.base_url())
            .env("CONDUCTORONE_CLIENT_ID", emulator.client_id())
            .env("CONDUCTORONE_CLIENT_SECRET", emulator.client_secret());
        script
    };
    let mut tokens = emulator.token_requests();
    let apps = output(script(&["call", "GET", "/api/v1/apps"]), None).await?;
    if !apps.contains("\"Ledger\"") {
        return Err(format!("the apps are {apps}").into());
    }
    let mut request = script(&["access-request", &wish.app, &wish.entitlement, &wish.user]);
    request.env("APPROVER_TOKEN", emulator.access_token_of(&manager)?);
    let told = output(request, None).await?;
    agree(&c1, &wish.user, &told).await?;
    let approver = client(&emulator, emulator.base_url(), Some(&manager))?;
    let lives = lives_in_rust(&c1, &approver).await?;
    others_by_curl(&c1, script, &lives).await?;
    tokens = emulator.token_requests() - tokens;
    emulator.shutdown().await;
    curl_by_tls().await?;
    Ok(format!(
        "{tokens} tokens by assertions of its own; calls over TLS; access requested, {LIVES}; it and the Rust client see the same"
    ))
}

/// Calls of the program with `--tls`, with what it prints and nothing else.
async fn curl_by_tls() -> Outcome<()> {
    let tenant = Tenant::start_with_tls().await?;
    let script = |arguments: &[&str]| {
        let mut script = Command::new(here().join("curl.sh"));
        script.args(arguments).envs(&tenant.variables);
        // Those of the machine, which curl prefers to SSL_CERT_FILE.
        script
            .env_remove("CURL_CA_BUNDLE")
            .env_remove("SSL_CERT_DIR");
        script
    };
    let created = json!({ "displayName": "Made by curl" }).to_string();
    output(script(&["call", "POST", "/api/v1/apps", &created]), None).await?;
    let apps = output(script(&["call", "GET", "/api/v1/apps"]), None).await?;
    if !apps.contains("Made by curl") {
        return Err(format!("over TLS, the apps are {apps}").into());
    }
    let mut distrustful = script(&["call", "GET", "/api/v1/apps"]);
    distrustful.env_remove("SSL_CERT_FILE");
    match output(distrustful, None).await {
        // What curl says of a certificate that nobody has told it to trust.
        Err(error) if error.to_string().contains("curl: (60)") => Ok(()),
        Err(error) => Err(error),
        Ok(_) => Err("curl trusts any certificate, so its calls over TLS prove nothing".into()),
    }
}

/// Access requests that are not granted, through curl, and those of the Rust client as curl sees them.
async fn others_by_curl(
    c1: &C1,
    script: impl Fn(&[&str]) -> Command,
    lives: &[(String, &'static str)],
) -> Outcome<()> {
    let wish = other_wish(c1).await?;
    let call = async |arguments: &[&str]| {
        let told = output(script(&[&["call"], arguments].concat()), None).await?;
        Ok::<Value, Box<dyn Error>>(serde_json::from_str(&told)?)
    };
    let text = |value: &Value| value.as_str().unwrap_or_default().to_owned();
    let create = async || {
        let body = json!({
            "appId": wish.app, "appEntitlementId": wish.entitlement, "identityUserId": wish.user,
        });
        let created = call(&["POST", "/api/v1/task/grant", &body.to_string()]).await?;
        let task = &created["taskView"]["task"];
        Ok::<_, Box<dyn Error>>((text(&task["id"]), text(&task["policy"]["current"]["id"])))
    };
    let act = async |task: &str, action: &str, body: Value| {
        let path = format!("/api/v1/tasks/{task}/action/{action}");
        call(&["POST", &path, &body.to_string()]).await
    };
    let ended = async |task: &str, outcome: &str| {
        let seen = call(&["GET", &format!("/api/v1/tasks/{task}")]).await?;
        let seen = &seen["taskView"]["task"];
        let seen = (
            text(&seen["state"]),
            text(&seen["type"]["grant"]["outcome"]),
        );
        expect(&seen, outcome)?;
        expect(&closed(c1, task).await?, outcome)
    };

    for (task, outcome) in lives {
        ended(task, outcome).await?;
    }
    let (task, step) = create().await?;
    refused(
        act(&task, "approve", json!({ "policyStepId": "nosuchstep" })).await,
        400,
    )?;
    act(&task, "restart", json!({})).await?;
    refused(
        act(&task, "approve", json!({ "policyStepId": step })).await,
        409,
    )?;
    act(&task, "close", json!({})).await?;
    ended(&task, "GRANT_OUTCOME_CANCELLED").await?;

    let (task, step) = create().await?;
    act(&task, "deny", json!({ "policyStepId": step })).await?;
    ended(&task, "GRANT_OUTCOME_DENIED").await
}

/// An error unless curl tells of this status.
fn refused(outcome: Outcome<Value>, status: u16) -> Outcome<()> {
    match outcome {
        Err(error) if error.to_string().contains(&format!("error: {status}")) => Ok(()),
        Err(error) => Err(format!("expected {status}: {error}").into()),
        Ok(response) => Err(format!("expected {status}, found {response}").into()),
    }
}
