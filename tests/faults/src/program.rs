//! Existing proxies as child processes in front of a server: nginx with low limits and short timeouts, and `HAProxy`, which
//! also breaks connections at random. They come from Debian's packages. Toxiproxy is not available there.

use std::error::Error as StdError;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::sleep;

/// Any error of these tools.
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// The directory into which `just chaos-programs` unpacks the packages.
const INSTALLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/.installed");

/// A running proxy; stopped on drop.
#[derive(Debug)]
pub struct Program {
    child: Child,
    address: SocketAddr,
    directory: PathBuf,
}

impl Program {
    /// nginx in front of the server; `None` if it is not installed.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn nginx(upstream: SocketAddr) -> Result<Option<Self>, BoxError> {
        let configuration = include_str!("nginx.conf");
        Self::start("nginx", configuration, upstream).await
    }

    /// `HAProxy` in front of the server; `None` if it is not installed.
    ///
    /// # Errors
    /// If it does not start.
    pub async fn haproxy(upstream: SocketAddr) -> Result<Option<Self>, BoxError> {
        let configuration = include_str!("haproxy.cfg");
        Self::start("haproxy", configuration, upstream).await
    }

    /// The address of the proxy.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Makes nginx reload its configuration, which replaces its workers.
    ///
    /// # Errors
    /// If the reload fails.
    pub fn reload(&self) -> Result<(), BoxError> {
        let status = command("nginx", &self.directory)
            .args(["-s", "reload"])
            .status()?;
        if status.success() {
            return Ok(());
        }
        Err("nginx: reload failed".into())
    }

    async fn start(
        name: &str,
        configuration: &str,
        upstream: SocketAddr,
    ) -> Result<Option<Self>, BoxError> {
        if !path(name).exists() {
            return Ok(None);
        }
        // The port is free now; another process could take it before the proxy does.
        let address = TcpListener::bind(("127.0.0.1", 0))?.local_addr()?;
        let directory = std::env::temp_dir().join(format!("c1-faults-{name}-{}", address.port()));
        fs::create_dir_all(&directory)?;
        let configuration = configuration
            .replace("@directory@", &directory.to_string_lossy())
            .replace("@address@", &address.to_string())
            .replace("@upstream@", &upstream.to_string());
        fs::write(directory.join("configuration"), configuration)?;
        let child = command(name, &directory).spawn()?;
        let mut program = Self {
            child,
            address,
            directory,
        };
        for _ in 0..100 {
            if TcpStream::connect(address).await.is_ok() {
                return Ok(Some(program));
            }
            if let Some(status) = program.child.try_wait()? {
                let log = fs::read_to_string(program.directory.join("error.log"));
                return Err(format!("{name}: {status}\n{}", log.unwrap_or_default()).into());
            }
            sleep(Duration::from_millis(50)).await;
        }
        Err(format!("{name} does not listen").into())
    }

    /// Stops the program. nginx is asked to stop, because killing its master would leave its workers running.
    fn stop(&mut self) {
        let stopping = if self.directory.join("nginx.pid").exists() {
            let mut stop = command("nginx", &self.directory);
            stop.args(["-s", "stop"])
                .status()
                .is_ok_and(|status| status.success())
        } else {
            false
        };
        if !stopping {
            let _ = self.child.kill();
        }
        let _ = self.child.wait();
    }
}

impl Drop for Program {
    fn drop(&mut self) {
        self.stop();
        let _ = fs::remove_dir_all(&self.directory);
    }
}

fn path(name: &str) -> PathBuf {
    Path::new(INSTALLED).join("usr/sbin").join(name)
}

/// A command that runs the program with the configuration in the directory.
fn command(name: &str, directory: &Path) -> Command {
    let mut command = Command::new(path(name));
    let configuration = directory.join("configuration");
    if name == "nginx" {
        command
            .arg("-e")
            .arg(directory.join("error.log"))
            .arg("-c")
            .arg(configuration);
    } else {
        command.arg("-f").arg(configuration);
    }
    // The libraries from the unpacked packages.
    let libraries = Path::new(INSTALLED).join("usr/lib/x86_64-linux-gnu");
    command
        .env("LD_LIBRARY_PATH", libraries)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}
