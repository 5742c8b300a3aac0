//! The settings with which a tenant starts.

use std::net::SocketAddr;
use std::ops::RangeInclusive;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use c1_api_spec::Description;
use serde_json::Value;
use tokio::net::TcpListener;

use crate::auth::{self, Trust};
use crate::credentials::Credentials;
use crate::error::Error;
use crate::server::{Emulator, Parts};
use crate::site::Hosts;
use crate::tenant::{Settings, Tenant};
#[cfg(feature = "tls")]
use crate::tls::Tls;

/// Builds an [`Emulator`]; see [`Emulator::builder`].
#[derive(Clone, Debug)]
#[must_use]
pub struct Builder {
    address: SocketAddr,
    hosts: Vec<String>,
    #[cfg(feature = "tls")]
    tls: bool,
    settings: Settings,
}

impl Default for Builder {
    fn default() -> Self {
        Self {
            address: SocketAddr::from(([127, 0, 0, 1], 0)),
            hosts: Vec::new(),
            #[cfg(feature = "tls")]
            tls: false,
            settings: Settings::default(),
        }
    }
}

impl Builder {
    /// Sets the address to listen on, which must be a loopback address. Port 0 selects a free port.
    pub fn address(mut self, address: impl Into<SocketAddr>) -> Self {
        self.address = address.into();
        self
    }

    /// Serves another API description; default: [`description`](crate::description).
    ///
    /// Its operations have state as far as the same conventions hold in it; see [`support`](crate::support).
    ///
    /// ```no_run
    /// # async fn start() -> Result<(), Box<dyn std::error::Error>> {
    /// use c1_api_emulator::Emulator;
    /// use c1_api_emulator::c1_api_spec::Source;
    ///
    /// let loaded = Source::default().spec("path/to/openapi.yaml").load()?;
    /// let emulator = Emulator::builder().description(loaded.description).start().await?;
    /// # Ok(())
    /// # }
    /// ```
    pub fn description(mut self, description: impl Into<Arc<Description>>) -> Self {
        self.settings.description = Some(description.into());
        self
    }

    /// Serves requests for another host too: a name or an address, without port. Can be called several
    /// times.
    ///
    /// By default the emulator serves requests for loopback addresses, `localhost` and its subdomains,
    /// with any port. Others are refused with status 421, because a web page can have a name of its own
    /// resolve to a loopback address. Allow the name of a proxy or of a container through which clients
    /// reach the emulator. Client ids and `DPoP` proofs contain the emulator's own address nevertheless.
    pub fn allow_host(mut self, host: impl Into<String>) -> Self {
        self.hosts.push(host.into());
        self
    }

    /// Sets whether the tenant is served over https, for clients that insist on it; default: `false`.
    ///
    /// The certificate is made at the start, for `localhost`, loopback addresses and the allowed hosts. Clients must trust
    /// [`Emulator::certificate`], that of an authority whose key is forgotten at once.
    #[cfg(feature = "tls")]
    pub fn tls(mut self, tls: bool) -> Self {
        self.tls = tls;
        self
    }

    /// Sets the clock for everything from token lifetimes to the `Date` header; default: the system's
    /// clock. A time before 1970 counts as its beginning, one after 9999 as its end.
    pub fn clock(mut self, clock: impl Fn() -> SystemTime + Send + Sync + 'static) -> Self {
        self.settings.clock = Arc::new(clock);
        self
    }

    /// Sets the lifetime of access tokens, reported as `expires_in` in whole seconds; default: 1 hour,
    /// at most 100 years.
    pub fn token_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.auth.token_lifetime = lifetime.min(auth::LONGEST);
        self
    }

    /// Sets the minimum time between two polls of a device login; default: 5 s, at most 100 years.
    ///
    /// It is reported in whole seconds. With `None` it is 5 s and not reported.
    pub fn device_interval(mut self, interval: Option<Duration>) -> Self {
        self.settings.auth.device_interval = interval.map(|interval| interval.min(auth::LONGEST));
        self
    }

    /// Sets the lifetime of a device login, reported in whole seconds; default: 10 minutes, at most 100
    /// years.
    ///
    /// At most 1,000 logins can be started in twice this time.
    pub fn device_lifetime(mut self, lifetime: Duration) -> Self {
        self.settings.auth.device_lifetime = lifetime.min(auth::LONGEST);
        self
    }

    /// Sets a callback that receives the user code of every device login when it starts, and approves
    /// the login by returning `true`.
    pub fn on_device_login(
        mut self,
        approve: impl Fn(&str) -> bool + Send + Sync + 'static,
    ) -> Self {
        self.settings.approve_devices = Some(Arc::new(approve));
        self
    }

    /// Sets whether token requests without a `DPoP` proof are rejected; default: `false`. A request with
    /// a proof always gets a bound token.
    pub fn require_dpop(mut self, require: bool) -> Self {
        self.settings.auth.require_dpop = require;
        self
    }

    /// Sets whether `DPoP` proofs must contain a nonce, which differs between the token endpoint and the
    /// API; default: `false`.
    pub fn dpop_nonces(mut self, nonces: bool) -> Self {
        self.settings.auth.dpop_nonces = nonces;
        self
    }

    /// Sets how many bytes [`Emulator::requests`] may take, bodies included; default: 64 MiB. The oldest
    /// requests are dropped first.
    pub fn log_bytes(mut self, bytes: usize) -> Self {
        self.settings.log_bytes = bytes;
        self
    }

    /// Sets the seed of ids and samples; default: 0. Credentials and tokens are always random.
    pub fn seed(mut self, seed: u64) -> Self {
        self.settings.seed = seed;
        self
    }

    /// Sets whether the tenant starts with 3 apps, 33 entitlements and 12 users; default: `true`.
    pub fn seed_data(mut self, seed_data: bool) -> Self {
        self.settings.seed_data = seed_data;
        self
    }

    /// Sets whether operations have state, as far as they can; default: `true`.
    ///
    /// Without state every operation returns a sample, whatever the ids.
    pub fn stateful(mut self, stateful: bool) -> Self {
        self.settings.stateful = stateful;
        self
    }

    /// Sets whether operations without state are refused with status 501; default: `false`, so that they
    /// return samples, with the header `C1-Emulator: sample`.
    ///
    /// [`support`](crate::support) lists them.
    pub fn refuse_samples(mut self, refuse: bool) -> Self {
        self.settings.refuse_samples = refuse;
        self
    }

    /// Sets whether responses of operations with state hold fields that are null because they are not set, such as messages;
    /// default: `true`, as C1 is said to do.
    ///
    /// Clients that were generated from an older description may refuse a null that the newer one allows.
    pub fn nulls(mut self, nulls: bool) -> Self {
        self.settings.nulls = nulls;
        self
    }

    /// Sets the fewest and the most objects of a page, whatever a request asks for; default: 10 to 100, as C1 does.
    ///
    /// A request that asks for no number gets 25, within these bounds. Below 1, and in the wrong order, the numbers are
    /// raised. With `1..=3`, a few objects make several pages.
    pub fn page_sizes(mut self, sizes: RangeInclusive<usize>) -> Self {
        self.settings.pages.set_sizes(*sizes.start(), *sizes.end());
        self
    }

    /// Sets whether some pages are larger than asked for, and some empty though others follow; default: `false`.
    ///
    /// C1 does both now and then. Here the seed says which. Two empty pages never follow each other, and each page
    /// token is another one.
    pub fn irregular_pages(mut self, irregular: bool) -> Self {
        self.settings.pages.set_irregular(irregular);
        self
    }

    /// Starts with the state of a snapshot, from [`Emulator::snapshot`], in place of seed data.
    ///
    /// The objects have their ids and order, page tokens go on, and new ids are those that would have come. Credentials
    /// and tokens are never in a snapshot, so clients that the tenant has created are listed, but their secrets are no
    /// longer valid; nor are values of fields that the description says are sensitive.
    pub fn snapshot(mut self, snapshot: Value) -> Self {
        self.settings.snapshot = Some(snapshot);
        self
    }

    /// Has lists and searches show changes only after a time by the tenant's clock; default: at once. C1 takes up to two
    /// minutes for grants and for owners.
    ///
    /// The response to a change is up to date, as are objects that are read by their ids, and what other changes refer
    /// to. What [`Emulator::add`] adds is listed at once.
    pub fn consistency_delay(mut self, delay: Duration) -> Self {
        self.settings.consistency_delay = Some(delay).filter(|delay| !delay.is_zero());
        self
    }

    /// Starts the tenant.
    ///
    /// # Errors
    ///
    /// Those of [`Emulator::start`], [`Error::NotLoopback`], [`Error::HostName`] and [`Error::Snapshot`].
    ///
    /// # Panics
    ///
    /// As [`Emulator::start`] does.
    pub async fn start(self) -> Result<Emulator, Error> {
        // Panics here, and not in a task of its own, if the runtime has no time.
        drop(tokio::time::sleep(Duration::ZERO));
        #[cfg(feature = "tls")]
        let scheme = if self.tls { "https" } else { "http" };
        #[cfg(not(feature = "tls"))]
        let scheme = "http";
        let mut hosts = Hosts::new(scheme);
        self.hosts.iter().try_for_each(|host| hosts.allow(host))?;
        if !self.address.ip().is_loopback() {
            return Err(Error::NotLoopback(self.address));
        }
        #[cfg(feature = "tls")]
        let tls = self.tls.then(|| Tls::new(self.address.ip(), &self.hosts));
        let bind = |source| Error::Bind {
            address: self.address,
            source,
        };
        let listener = TcpListener::bind(self.address).await.map_err(bind)?;
        let address = listener.local_addr().map_err(bind)?;
        let credentials = Credentials::generate(address, "spc")?;
        let trust = Arc::new(Trust::generate(address, auth::hosts(address))?);
        let shared = Arc::clone(&trust);
        let tenant = Tenant::new(self.settings, address, hosts, &credentials, shared)?;
        Ok(Emulator::new(Parts {
            listener,
            base_url: format!("{scheme}://{address}"),
            tenant,
            credentials,
            trust,
            #[cfg(feature = "tls")]
            tls: tls.transpose()?,
        }))
    }
}
