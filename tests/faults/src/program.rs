//! Proxies that others wrote, as child processes in front of a server: nginx with small limits and little patience, and
//! `HAProxy`, which breaks connections by chance as well. They come from Debian's packages. Toxiproxy would be the program
//! for the latter, but no package registry has it ready-made.

use std::error::Error as StdError;
use std::fs;
use std::net::{SocketAddr, TcpListener};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::sleep;

/// What can go wrong here.
pub type Failure = Box<dyn StdError + Send + Sync>;

/// Where `just chaos-programs` unpacks the programs' packages.
const INSTALLED: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/.installed");

/// A proxy that listens, until it is dropped.
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
    /// When it does not come up.
    pub async fn nginx(upstream: SocketAddr) -> Result<Option<Self>, Failure> {
        let configuration = include_str!("nginx.conf");
        Self::start("nginx", configuration, upstream).await
    }

    /// `HAProxy` in front of the server; `None` if it is not installed.
    ///
    /// # Errors
    /// When it does not come up.
    pub async fn haproxy(upstream: SocketAddr) -> Result<Option<Self>, Failure> {
        let configuration = include_str!("haproxy.cfg");
        Self::start("haproxy", configuration, upstream).await
    }

    /// Where it listens.
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Lets nginx read its configuration again, with which it replaces its workers.
    ///
    /// # Errors
    /// When it cannot be told.
    pub fn reload(&self) -> Result<(), Failure> {
        let status = command("nginx", &self.directory)
            .args(["-s", "reload"])
            .status()?;
        if status.success() {
            return Ok(());
        }
        Err("nginx did not reload".into())
    }

    async fn start(
        name: &str,
        configuration: &str,
        upstream: SocketAddr,
    ) -> Result<Option<Self>, Failure> {
        if !path(name).exists() {
            return Ok(None);
        }
        // Free a moment ago.
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
                let told = fs::read_to_string(program.directory.join("error.log"));
                return Err(format!("{name}: {status}\n{}", told.unwrap_or_default()).into());
            }
            sleep(Duration::from_millis(50)).await;
        }
        Err(format!("{name} does not listen").into())
    }

    /// nginx has workers, which only its master ends; it does so when asked to.
    fn stop(&mut self) {
        let asked = if self.directory.join("nginx.pid").exists() {
            let mut stop = command("nginx", &self.directory);
            stop.args(["-s", "stop"])
                .status()
                .is_ok_and(|status| status.success())
        } else {
            false
        };
        if !asked {
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

/// The program with the configuration of the directory.
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
    // The libraries that came along with it.
    let libraries = Path::new(INSTALLED).join("usr/lib/x86_64-linux-gnu");
    command
        .env("LD_LIBRARY_PATH", libraries)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    command
}
