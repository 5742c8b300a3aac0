//! The emulator as a program.
#![allow(clippy::unwrap_used, reason = "a failing helper is a failing test")]

use std::io::{BufRead as _, BufReader, Read as _};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStdout, Command, ExitStatus, Stdio};

use reqwest::{Certificate, Client};
use serde_json::Value;

/// A running program, killed when it is dropped.
struct Program {
    child: Child,
    /// Open as long as it runs, so that it can print.
    _stdout: BufReader<ChildStdout>,
    variables: Value,
}

impl Program {
    fn start(arguments: &[&str]) -> Self {
        let mut child = command(arguments).stdout(Stdio::piped()).spawn().unwrap();
        let mut stdout = BufReader::new(child.stdout.take().unwrap());
        let mut line = String::new();
        stdout.read_line(&mut line).unwrap();
        let variables = serde_json::from_str(&line).unwrap();
        Self {
            child,
            _stdout: stdout,
            variables,
        }
    }

    fn variable(&self, name: &str) -> &str {
        self.variables[name].as_str().unwrap()
    }

    /// Sends the signal and waits for the end.
    fn stop(mut self, signal: &str) -> ExitStatus {
        let id = self.child.id().to_string();
        assert!(
            Command::new("kill")
                .args(["-s", signal, &id])
                .status()
                .unwrap()
                .success()
        );
        self.child.wait().unwrap()
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

fn command(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_c1-api-emulator"));
    command.args(["--format", "json"]).args(arguments);
    command
}

async fn status(client: &Client, program: &Program) -> u16 {
    let url = format!(
        "{}/api/v1/apps",
        program.variable("CONDUCTORONE_SERVER_URL")
    );
    client.get(url).send().await.unwrap().status().as_u16()
}

fn http(certificate: Option<&Path>) -> Client {
    let _ = rustls::crypto::ring::default_provider().install_default();
    let builder = Client::builder();
    match certificate {
        None => builder,
        Some(path) => {
            let pem = std::fs::read(path).unwrap();
            builder.tls_certs_only([Certificate::from_pem(&pem).unwrap()])
        }
    }
    .build()
    .unwrap()
}

#[cfg(unix)]
#[tokio::test]
async fn it_serves_until_it_is_told_to_end() {
    for signal in ["INT", "TERM"] {
        let program = Program::start(&[]);
        assert_eq!(status(&http(None), &program).await, 401);
        assert_eq!(program.stop(signal).code(), Some(0), "{signal}");
    }
}

#[cfg(unix)]
#[tokio::test]
async fn it_serves_over_https_with_a_certificate_that_goes_with_it() {
    let program = Program::start(&["--tls"]);
    let path = PathBuf::from(program.variable("SSL_CERT_FILE"));
    for name in ["NODE_EXTRA_CA_CERTS", "REQUESTS_CA_BUNDLE"] {
        assert_eq!(Path::new(program.variable(name)), path);
    }
    assert!(
        program
            .variable("CONDUCTORONE_SERVER_URL")
            .starts_with("https://127.0.0.1:")
    );
    assert_eq!(status(&http(Some(&path)), &program).await, 401);
    let written = std::fs::read_to_string(&path).unwrap();
    assert!(!written.contains("PRIVATE"));
    assert_eq!(program.stop("TERM").code(), Some(0));
    assert!(!path.exists());
}

#[test]
fn the_shell_can_read_what_it_prints() {
    let mut child = Command::new(env!("CARGO_BIN_EXE_c1-api-emulator"))
        .stdout(Stdio::piped())
        .spawn()
        .unwrap();
    let lines = BufReader::new(child.stdout.take().unwrap()).lines();
    let lines: Vec<_> = lines
        .map(Result::unwrap)
        .take_while(|line| line != "# ready")
        .collect();
    child.kill().unwrap();
    child.wait().unwrap();
    let exported = lines.iter().filter_map(|line| line.strip_prefix("export "));
    let names: Vec<_> = exported
        .map(|line| line.split_once('=').unwrap().0)
        .collect();
    let prefix = "CONDUCTORONE_";
    assert_eq!(
        names,
        ["SERVER_URL", "CLIENT_ID", "CLIENT_SECRET"].map(|name| format!("{prefix}{name}"))
    );
}

#[test]
fn a_port_that_is_taken_is_an_error_that_names_it() {
    let program = Program::start(&[]);
    let port = program
        .variable("CONDUCTORONE_SERVER_URL")
        .rsplit(':')
        .next()
        .unwrap();
    let mut second = command(&["--port", port])
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    assert_eq!(second.wait().unwrap().code(), Some(1));
    let mut error = String::new();
    second.stderr.unwrap().read_to_string(&mut error).unwrap();
    assert!(error.contains(&format!("127.0.0.1:{port}")), "{error}");
}

#[cfg(unix)]
#[tokio::test]
async fn the_state_is_kept_between_runs() {
    let directory = std::env::temp_dir().join(format!("c1-emulator-state-{}", std::process::id()));
    std::fs::create_dir_all(&directory).unwrap();
    let file = directory.join("state.json");
    let state = || -> Value { serde_json::from_slice(&std::fs::read(&file).unwrap()).unwrap() };
    let arguments = ["--state", file.to_str().unwrap()];

    let first = Program::start(&arguments);
    let begun = state();
    let token = access_token(&first).await;
    let url = format!("{}/api/v1/apps", first.variable("CONDUCTORONE_SERVER_URL"));
    let request = http(None).post(url).bearer_auth(token);
    let created = request
        .json(&serde_json::json!({ "displayName": "Kept" }))
        .send();
    assert_eq!(created.await.unwrap().status(), 200);
    assert_eq!(first.stop("TERM").code(), Some(0));
    let kept = state();
    assert_ne!(kept, begun);
    assert!(kept.to_string().contains("Kept"));

    let second = Program::start(&arguments);
    assert_eq!(second.stop("INT").code(), Some(0));
    assert_eq!(state(), kept);
    let files = std::fs::read_dir(&directory).unwrap().count();
    assert_eq!(files, 1, "no temporary file stays");

    std::fs::write(&file, "{}").unwrap();
    let mut third = command(&arguments).stderr(Stdio::piped()).spawn().unwrap();
    assert_eq!(third.wait().unwrap().code(), Some(1));
    let mut error = String::new();
    third.stderr.unwrap().read_to_string(&mut error).unwrap();
    assert!(error.contains("invalid snapshot: format"), "{error}");
    assert_eq!(
        std::fs::read(&file).unwrap(),
        b"{}",
        "what cannot be read stays"
    );
    std::fs::remove_dir_all(&directory).unwrap();
}

async fn access_token(program: &Program) -> String {
    let url = format!(
        "{}/auth/v1/token",
        program.variable("CONDUCTORONE_SERVER_URL")
    );
    let form = [
        ("grant_type", "client_credentials"),
        ("client_id", program.variable("CONDUCTORONE_CLIENT_ID")),
        (
            "client_secret",
            program.variable("CONDUCTORONE_CLIENT_SECRET"),
        ),
    ];
    let response = http(None).post(url).form(&form).send().await.unwrap();
    let response: Value = response.json().await.unwrap();
    response["access_token"].as_str().unwrap().to_owned()
}
