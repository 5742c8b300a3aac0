//! Device login: a person logs in with a browser, on this machine or another, while the program waits (RFC 8628).

use std::fmt;
use std::time::{Duration, SystemTime};

use c1_api::{Error, ErrorKind, is_secure};
use serde_json::Value;
use url::Url;
use zeroize::Zeroizing;

use crate::auth::endpoint::TokenEndpoint;
use crate::auth::form::Form;
use crate::auth::response::read_seconds;
use crate::auth::token::AccessToken;
use crate::auth::token_error::TokenError;

const GRANT_TYPE: &str = "urn:ietf:params:oauth:grant-type:device_code";
/// RFC 8628, section 3.2.
const DEFAULT_INTERVAL: Duration = Duration::from_secs(5);
/// RFC 8628, section 3.5.
const SLOWER_BY: Duration = Duration::from_secs(5);
/// A longer interval is a mistake of the server.
const MAX_INTERVAL: Duration = Duration::from_secs(300);
/// The longest wait between polls while the server fails.
const MAX_BACKOFF: Duration = Duration::from_secs(60);
/// If the server omits `expires_in`, although it is required: the shortest lifetime in use.
const ASSUMED_LIFETIME: Duration = Duration::from_secs(600);
/// RFC 8628, section 5.1, wants codes to be short-lived.
const MAX_LIFETIME: Duration = Duration::from_secs(3600);

/// Logs a person in with a browser, on this machine or another (RFC 8628).
///
/// ```no_run
/// # async fn login() -> Result<(), Box<dyn std::error::Error>> {
/// use c1_api_ext::{C1, DeviceLogin, Tenant, TokenEndpoint, http};
///
/// let tenant: Tenant = "acme".parse()?;
/// let endpoint = TokenEndpoint::new(http::client(&tenant)?, &tenant);
/// let authorization = DeviceLogin::new(endpoint, "my-public-client-id").start().await?;
/// println!("Open {} and enter {}", authorization.verification_uri(), authorization.user_code());
/// let token = authorization.wait().await?;
/// let c1 = C1::builder().tenant(tenant).access_token(token).build()?;
/// # Ok(())
/// # }
/// ```
///
/// The token is the person's and short-lived. With the feature `personal_client`, `create_personal_client` creates
/// credentials to keep.
pub struct DeviceLogin {
    endpoint: TokenEndpoint,
    client_id: String,
}

impl DeviceLogin {
    /// A login at the tenant of `endpoint`, for the public client with this id. It may be any text: C1's own tools use
    /// ids that are not a [`ClientId`](crate::ClientId). Nothing is sent yet.
    pub fn new(endpoint: TokenEndpoint, client_id: impl Into<String>) -> Self {
        Self {
            endpoint,
            client_id: client_id.into(),
        }
    }

    /// Requests the codes (RFC 8628, sections 3.1 and 3.2). May be called again, for instance after
    /// [`DeviceLoginError::Expired`].
    ///
    /// # Errors
    /// [`DeviceLoginError::NoClientId`] before anything is sent; [`DeviceLoginError::Token`] if the server cannot be
    /// reached, refuses, or sends codes that are unsafe to use, such as a verification URI without TLS.
    pub async fn start(&self) -> Result<DeviceAuthorization, DeviceLoginError> {
        if self.client_id.trim().is_empty() {
            return Err(DeviceLoginError::NoClientId);
        }
        let url = self.endpoint.tenant().device_authorization_url();
        let form = Form::default().plain("client_id", &self.client_id);
        let codes = self.endpoint.post(&url, &form, Codes::read).await?;
        let now = self.endpoint.time().clock().now();
        Ok(DeviceAuthorization {
            endpoint: self.endpoint.clone(),
            client_id: self.client_id.clone(),
            interval: codes.interval,
            deadline: now.checked_add(codes.expires_in).unwrap_or(now),
            codes,
        })
    }
}

impl fmt::Debug for DeviceLogin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceLogin")
            .field("endpoint", &self.endpoint)
            .field("client_id", &self.client_id)
            .finish()
    }
}

/// The device authorization response (RFC 8628, section 3.2).
struct Codes {
    device_code: Zeroizing<String>,
    user_code: String,
    verification_uri: String,
    verification_uri_complete: Option<String>,
    expires_in: Duration,
    interval: Duration,
}

impl Codes {
    fn read(mut json: Value) -> Result<Self, &'static str> {
        let mut take = |name: &str| match json.get_mut(name).map(Value::take) {
            Some(Value::String(text)) if !text.is_empty() => Some(Zeroizing::new(text)),
            _ => None,
        };
        let device_code = take("device_code").ok_or("`device_code` is missing")?;
        let user_code = take("user_code").ok_or("`user_code` is missing")?;
        // It is shown on a terminal, which must not read escape sequences from it.
        if user_code.contains(char::is_control) {
            return Err("`user_code` has control characters");
        }
        let uri = take("verification_uri").ok_or("`verification_uri` is missing")?;
        let complete = take("verification_uri_complete");
        Ok(Self {
            device_code,
            user_code: user_code.to_string(),
            verification_uri: safe_to_open(&uri)?,
            verification_uri_complete: complete.map(|uri| safe_to_open(&uri)).transpose()?,
            expires_in: read_seconds(&json["expires_in"], ASSUMED_LIFETIME, MAX_LIFETIME),
            interval: read_seconds(&json["interval"], DEFAULT_INTERVAL, MAX_INTERVAL),
        })
    }
}

/// The URL in ASCII, if people may be sent there to log in.
fn safe_to_open(uri: &str) -> Result<String, &'static str> {
    let url = Url::parse(uri).map_err(|_| "the verification URI is not a valid URL")?;
    if is_secure(&url) {
        Ok(url.into())
    } else {
        Err("the verification URI is not https")
    }
}

/// A login that waits for a person to open [`verification_uri`](Self::verification_uri) and enter
/// [`user_code`](Self::user_code) there (RFC 8628, section 3.3).
///
/// The device code is secret and overwritten on drop. `Debug` shows neither it nor the user code.
pub struct DeviceAuthorization {
    endpoint: TokenEndpoint,
    client_id: String,
    codes: Codes,
    /// Grows whenever the server says `slow_down`.
    interval: Duration,
    deadline: SystemTime,
}

impl DeviceAuthorization {
    /// The code to enter, such as `WDJB-MJHT`.
    pub fn user_code(&self) -> &str {
        &self.codes.user_code
    }

    /// Where to enter it: a URL with https, or with http on this machine.
    pub fn verification_uri(&self) -> &str {
        &self.codes.verification_uri
    }

    /// The URL that includes the code, for a browser or a QR code, if the server sent one. Show the code as well, for the
    /// person to compare (RFC 8628, section 3.3.1).
    pub fn verification_uri_complete(&self) -> Option<&str> {
        self.codes.verification_uri_complete.as_deref()
    }

    /// How long the codes are valid from when they were requested: 10 min if the server does not say, at most 1 h.
    pub fn expires_in(&self) -> Duration {
        self.codes.expires_in
    }

    /// The initial interval at which [`wait`](Self::wait) polls: 5 s if the server does not say, at most 5 min.
    pub fn interval(&self) -> Duration {
        self.codes.interval
    }

    /// Polls until the person has logged in, and returns the token (RFC 8628, sections 3.4 and 3.5).
    ///
    /// The interval is [`interval`](Self::interval), and 5 s longer after each `slow_down`. While the server cannot be
    /// reached or fails ([`TokenError::is_retryable`]), it doubles, up to 60 s. Time is that of the endpoint's
    /// [`Clock`](crate::Clock).
    ///
    /// To cancel, drop the future: there is no background task, and the codes expire by themselves.
    ///
    /// # Errors
    /// [`DeviceLoginError::Denied`], [`DeviceLoginError::Expired`], or [`DeviceLoginError::Token`] if the server
    /// refuses for another reason or sends an unexpected response.
    pub async fn wait(mut self) -> Result<AccessToken, DeviceLoginError> {
        let mut wait = self.interval;
        loop {
            self.pause(wait).await?;
            let error = match self.poll().await {
                Ok(token) => return Ok(token),
                Err(error) => error,
            };
            wait = match &error {
                TokenError::Refused { error, .. } if error == "authorization_pending" => {
                    self.interval
                }
                TokenError::Refused { error, .. } if error == "slow_down" => {
                    self.interval += SLOWER_BY;
                    self.interval
                }
                TokenError::Refused { error, .. } if error == "access_denied" => {
                    return Err(DeviceLoginError::Denied);
                }
                TokenError::Refused { error, .. } if error == "expired_token" => {
                    return Err(DeviceLoginError::Expired);
                }
                error if error.is_retryable() => {
                    let backoff = (wait * 2).min(MAX_BACKOFF).max(self.interval);
                    backoff.max(error.retry_after().unwrap_or_default())
                }
                _ => return Err(error.into()),
            };
        }
    }

    /// Waits for `wait`, or until the codes expire, which is an error.
    async fn pause(&self, wait: Duration) -> Result<(), DeviceLoginError> {
        let clock = self.endpoint.time().clock();
        let left = self.left(clock.now());
        clock.sleep(wait.min(left)).await;
        // The clock is read again because the machine may have been suspended.
        if left <= wait || self.left(clock.now()).is_zero() {
            return Err(DeviceLoginError::Expired);
        }
        Ok(())
    }

    fn left(&self, now: SystemTime) -> Duration {
        self.deadline.duration_since(now).unwrap_or_default()
    }

    async fn poll(&self) -> Result<AccessToken, TokenError> {
        let form = || {
            Ok(Form::default()
                .plain("grant_type", GRANT_TYPE)
                .secret("device_code", &self.codes.device_code)
                .plain("client_id", &self.client_id))
        };
        self.endpoint.token(form).await
    }
}

impl fmt::Debug for DeviceAuthorization {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("DeviceAuthorization")
            .field("endpoint", &self.endpoint)
            .field("client_id", &self.client_id)
            .field("verification_uri", &self.codes.verification_uri)
            .field("expires_in", &self.codes.expires_in)
            .field("interval", &self.interval)
            .finish_non_exhaustive()
    }
}

/// Why a device login failed. It never contains the device code.
#[derive(Debug, thiserror::Error)]
#[non_exhaustive]
pub enum DeviceLoginError {
    /// The client id is empty.
    #[error("no client id: a device login needs the id of a public client")]
    NoClientId,
    /// The person refused (`access_denied`).
    #[error("the login was denied")]
    Denied,
    /// The codes expired first (`expired_token`, or by the endpoint's clock). Start again for new ones.
    #[error("the login was not completed in time")]
    Expired,
    /// The server refused for another reason, could not be reached at the start, or sent an unexpected response.
    #[error("the login failed: {0}")]
    Token(#[from] TokenError),
}

/// [`ErrorKind::InvalidRequest`] without a client id, [`ErrorKind::Auth`] otherwise.
impl From<DeviceLoginError> for Error {
    fn from(error: DeviceLoginError) -> Self {
        match error {
            DeviceLoginError::Token(error) => error.into(),
            DeviceLoginError::NoClientId => {
                Self::new(ErrorKind::InvalidRequest, error.to_string()).with_source(error)
            }
            DeviceLoginError::Denied | DeviceLoginError::Expired => Self::new(
                ErrorKind::Auth,
                format!("could not obtain an access token: {error}"),
            )
            .with_source(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;
    use std::io::{Read as _, Write as _};
    use std::net::{SocketAddr, TcpListener};
    use std::sync::{Arc, Mutex};

    use httpmock::{HttpMockResponse, Mock, MockServer};
    use serde_json::json;

    use super::*;
    use crate::testing::{ManualClock, assert_debug_is_clean, assert_no_secret, http, shown};

    fn login(server: SocketAddr, clock: &Arc<ManualClock>) -> DeviceLogin {
        let tenant = server.to_string().parse().expect("on loopback");
        let endpoint = TokenEndpoint::new(http(), &tenant).clock(clock.clone());
        DeviceLogin::new(endpoint, "cli")
    }

    fn codes() -> Value {
        json!({
            "device_code": "canary-device",
            "user_code": "WDJB-MJHT",
            "verification_uri": "https://acme.conductor.one/device",
            "verification_uri_complete": "https://acme.conductor.one/device?user_code=WDJB-MJHT",
            "expires_in": 900,
            "interval": 5,
        })
    }

    fn codes_with(name: &str, value: Value) -> Value {
        let mut codes = codes();
        codes[name] = value;
        codes
    }

    async fn answer_start(server: &MockServer, status: u16, body: String) -> Mock<'_> {
        server
            .mock_async(|when, then| {
                when.method("POST")
                    .path("/auth/v1/device_authorization")
                    .header("content-type", "application/x-www-form-urlencoded")
                    .header_missing("authorization")
                    .body("client_id=cli");
                then.status(status).body(body);
            })
            .await
    }

    /// What the token endpoint answers, one after the other.
    async fn answer_polls(server: &MockServer, answers: Vec<(u16, String)>) -> Mock<'_> {
        let answers = Mutex::new(VecDeque::from(answers));
        server
            .mock_async(|when, then| {
                when.method("POST").path("/auth/v1/token").body(
                    "grant_type=urn%3Aietf%3Aparams%3Aoauth%3Agrant-type%3Adevice_code\
                     &device_code=canary-device&client_id=cli",
                );
                then.respond_with(move |_| {
                    let mut answers = answers.lock().expect("no panic");
                    let (status, body) = answers.pop_front().expect("no more polls");
                    HttpMockResponse::builder()
                        .status(status)
                        .body(body)
                        .build()
                });
            })
            .await
    }

    fn no(error: &str) -> (u16, String) {
        (400, json!({ "error": error }).to_string())
    }

    fn token() -> (u16, String) {
        let token =
            json!({ "access_token": "canary-token", "token_type": "Bearer", "expires_in": 1800 });
        (200, token.to_string())
    }

    /// How a login ends and how long it waited before each poll.
    async fn outcome(
        codes: Value,
        answers: Vec<(u16, String)>,
    ) -> (Result<AccessToken, DeviceLoginError>, Vec<u64>) {
        let server = MockServer::start_async().await;
        answer_start(&server, 200, codes.to_string()).await;
        let expected = answers.len();
        let polls = answer_polls(&server, answers).await;
        let clock = Arc::new(ManualClock::default());
        let authorization = login(*server.address(), &clock)
            .start()
            .await
            .expect("codes");
        assert_debug_is_clean(&authorization);
        let outcome = authorization.wait().await;
        assert_eq!(polls.calls_async().await, expected);
        if let Err(error) = &outcome {
            assert_no_secret(&shown(error));
        }
        (outcome, clock.waits())
    }

    async fn refusal(status: u16, body: &str) -> TokenError {
        match outcome(codes(), vec![(status, body.to_owned())]).await {
            (Err(DeviceLoginError::Token(error)), _) => error,
            (other, _) => panic!("{other:?}"),
        }
    }

    /// What comes of these codes.
    async fn start(status: u16, body: String) -> Result<DeviceAuthorization, DeviceLoginError> {
        let server = MockServer::start_async().await;
        answer_start(&server, status, body).await;
        let login = login(*server.address(), &Arc::default());
        assert_debug_is_clean(&login);
        login.start().await
    }

    async fn refused_start(status: u16, body: String) -> TokenError {
        let error = start(status, body).await.expect_err("no codes");
        assert_no_secret(&shown(&error));
        match error {
            DeviceLoginError::Token(error) => error,
            other => panic!("{other:?}"),
        }
    }

    #[tokio::test]
    async fn waits_as_told_until_somebody_has_logged_in() {
        let answers = vec![
            no("authorization_pending"),
            no("authorization_pending"),
            no("slow_down"),
            no("authorization_pending"),
            no("slow_down"),
            no("authorization_pending"),
            token(),
        ];
        let (token, waits) = outcome(codes(), answers).await;
        let token = token.expect("a token");
        assert_eq!(token.expose(), "canary-token");
        assert_eq!(token.lifetime(), Some(Duration::from_secs(1800)));
        assert_debug_is_clean(&token);
        assert_eq!(waits, [5, 5, 5, 10, 10, 15, 15]);
    }

    #[tokio::test]
    async fn any_interval_is_a_sensible_one() {
        for (interval, seconds) in [
            (Value::Null, 5),
            (json!(0), 5),
            (json!(-3), 5),
            (json!("soon"), 5),
            (json!("7"), 7),
            (json!(7.0), 7),
            (json!(1e300), 300),
        ] {
            let (token, waits) = outcome(codes_with("interval", interval), vec![token()]).await;
            token.expect("a token");
            assert_eq!(waits, [seconds]);
        }
    }

    #[tokio::test]
    async fn a_server_that_fails_is_asked_less_and_less_until_it_is_back() {
        let broken = || (503, "<html>canary</html>".to_owned());
        let answers = vec![
            broken(),
            (429, String::new()),
            (500, json!({ "error": "server_error" }).to_string()),
            broken(),
            broken(),
            no("authorization_pending"),
            no("slow_down"),
            broken(),
            token(),
        ];
        let (token, waits) = outcome(codes(), answers).await;
        token.expect("a token");
        assert_eq!(waits, [5, 10, 20, 40, 60, 60, 5, 10, 20]);
    }

    #[tokio::test]
    async fn a_delay_that_the_server_asks_for_is_kept() {
        let server = MockServer::start_async().await;
        answer_start(&server, 200, codes().to_string()).await;
        server
            .mock_async(|when, then| {
                when.path("/auth/v1/token");
                then.status(429).header("retry-after", "100");
            })
            .await;
        let clock = Arc::new(ManualClock::default());
        let authorization = login(*server.address(), &clock)
            .start()
            .await
            .expect("codes");
        let error = authorization.wait().await.expect_err("never");
        assert!(matches!(error, DeviceLoginError::Expired), "{error:?}");
        assert_eq!(
            clock.waits(),
            [5, 100, 100, 100, 100, 100, 100, 100, 100, 95]
        );
    }

    #[tokio::test]
    async fn a_connection_that_breaks_is_no_end() {
        let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
        let address = listener.local_addr().expect("an address");
        let server = std::thread::spawn(move || {
            for body in [Some(codes().to_string()), None, None, Some(token().1)] {
                let (mut stream, _) = listener.accept().expect("a connection");
                let mut request = [0; 4096];
                assert!(stream.read(&mut request).expect("a request") > 0);
                if let Some(body) = body {
                    let head = "HTTP/1.1 200 OK\r\nconnection: close\r\ncontent-length";
                    write!(stream, "{head}: {}\r\n\r\n{body}", body.len()).expect("sent");
                }
            }
        });
        let clock = Arc::new(ManualClock::default());
        let authorization = login(address, &clock).start().await.expect("codes");
        authorization.wait().await.expect("a token");
        assert_eq!(clock.waits(), [5, 10, 20]);
        server.join().expect("no panic");
    }

    #[tokio::test]
    async fn expires_by_the_clock_without_another_request() {
        let pending = || no("authorization_pending");
        let (error, waits) = outcome(codes_with("expires_in", json!(12)), vec![pending(); 2]).await;
        assert!(matches!(error, Err(DeviceLoginError::Expired)), "{error:?}");
        assert_eq!(waits, [5, 5, 2]);

        let server = MockServer::start_async().await;
        answer_start(&server, 200, codes().to_string()).await;
        let clock = Arc::new(ManualClock::default());
        let authorization = login(*server.address(), &clock)
            .start()
            .await
            .expect("codes");
        clock.advance(900);
        let error = authorization.wait().await.expect_err("too late");
        assert!(matches!(error, DeviceLoginError::Expired), "{error:?}");
    }

    #[tokio::test]
    async fn any_expiry_is_a_sensible_one() {
        for (expires_in, seconds) in [
            (Value::Null, 600),
            (json!(0), 600),
            (json!("soon"), 600),
            (json!("900"), 900),
            (json!(u64::MAX), 3600),
        ] {
            let authorization = start(200, codes_with("expires_in", expires_in).to_string()).await;
            let authorization = authorization.expect("codes");
            assert_eq!(authorization.expires_in().as_secs(), seconds);
        }
    }

    #[tokio::test]
    async fn the_answers_that_end_it() {
        let (error, _) = outcome(codes(), vec![no("slow_down"), no("access_denied")]).await;
        assert!(matches!(error, Err(DeviceLoginError::Denied)), "{error:?}");
        let (error, _) = outcome(codes(), vec![no("expired_token")]).await;
        assert!(matches!(error, Err(DeviceLoginError::Expired)), "{error:?}");

        let error = refusal(
            400,
            r#"{"error": "invalid_grant", "error_description": "canary-device is used"}"#,
        )
        .await;
        assert_eq!(
            error.to_string(),
            "invalid_grant: [redacted] is used (HTTP 400)"
        );
        for (status, body) in [
            (200, "<html>canary</html>"),
            (200, r#"{"access_token": 1, "x": "canary"}"#),
            (400, r#"{"message": "canary"}"#),
            (404, "<html>canary</html>"),
        ] {
            let error = refusal(status, body).await;
            let unexpected = matches!(error, TokenError::UnexpectedResponse { .. });
            assert!(unexpected, "{error:?}");
            assert_eq!(error.status().map(|status| status.as_u16()), Some(status));
        }
    }

    #[tokio::test]
    async fn says_where_to_go_and_what_to_enter() {
        let authorization = start(200, codes().to_string()).await.expect("codes");
        assert_eq!(authorization.user_code(), "WDJB-MJHT");
        assert_eq!(
            authorization.verification_uri(),
            "https://acme.conductor.one/device"
        );
        assert_eq!(
            authorization.verification_uri_complete(),
            Some("https://acme.conductor.one/device?user_code=WDJB-MJHT")
        );
        assert_eq!(authorization.interval(), DEFAULT_INTERVAL);
        assert!(!format!("{authorization:?}").contains("WDJB"));

        let local = codes_with("verification_uri", json!("http://127.0.0.1:8080/device"));
        start(200, local.to_string()).await.expect("on loopback");
        let bare = codes_with("verification_uri_complete", Value::Null);
        let bare = start(200, bare.to_string()).await.expect("codes");
        assert_eq!(bare.verification_uri_complete(), None);
    }

    #[tokio::test]
    async fn codes_that_nobody_should_act_on_are_refused() {
        for (name, value, reason) in [
            ("device_code", json!(null), "`device_code` is missing"),
            ("user_code", json!(""), "`user_code` is missing"),
            ("user_code", json!("A\u{1b}[2J"), "control characters"),
            (
                "verification_uri",
                json!(null),
                "`verification_uri` is missing",
            ),
            ("verification_uri", json!("/device"), "not a valid URL"),
            (
                "verification_uri",
                json!("http://acme.conductor.one/device"),
                "not https",
            ),
            (
                "verification_uri",
                json!("http://127.0.0.1.evil.example"),
                "not https",
            ),
            (
                "verification_uri_complete",
                json!("http://canary.example"),
                "not https",
            ),
            (
                "verification_uri_complete",
                json!("javascript:canary"),
                "not https",
            ),
            ("verification_uri", json!("file:///canary"), "not https"),
        ] {
            let error = refused_start(200, codes_with(name, value).to_string()).await;
            assert!(error.to_string().contains(reason), "{error}");
        }
        for (status, body) in [(200, "<html>canary</html>"), (502, "canary"), (200, "[]")] {
            let error = refused_start(status, body.to_owned()).await;
            assert_eq!(error.status().map(|status| status.as_u16()), Some(status));
        }
        let error = refused_start(401, json!({ "error": "invalid_client" }).to_string()).await;
        assert!(matches!(error, TokenError::Refused { .. }), "{error:?}");
    }

    #[tokio::test]
    async fn without_a_client_id_nothing_is_sent() {
        let server = MockServer::start_async().await;
        let any = server
            .mock_async(|_, then| {
                then.status(200);
            })
            .await;
        for id in ["", " "] {
            let mut login = login(*server.address(), &Arc::default());
            login.client_id = id.to_owned();
            let error = login.start().await.expect_err("no client id");
            assert!(matches!(error, DeviceLoginError::NoClientId), "{error:?}");
            assert_eq!(Error::from(error).kind(), ErrorKind::InvalidRequest);
        }
        assert_eq!(any.calls_async().await, 0);
    }

    #[test]
    fn its_errors_fit_among_those_of_calls() {
        let denied = Error::from(DeviceLoginError::Denied);
        assert_eq!(denied.kind(), ErrorKind::Auth);
        assert_eq!(
            denied.to_string(),
            "could not obtain an access token: the login was denied"
        );
        let refused = TokenError::UnexpectedResponse {
            status: reqwest::StatusCode::OK,
            reason: "nothing",
            retry_after: None,
        };
        let error = Error::from(DeviceLoginError::Token(refused));
        assert!(TokenError::of(&error).is_some());
    }

    #[test]
    fn a_login_can_move_between_threads() {
        fn assert_send<T: Send>(_: &T) {}
        let login = login(([127, 0, 0, 1], 1).into(), &Arc::default());
        assert_send(&login.start());
        let _ = |authorization: DeviceAuthorization| assert_send(&authorization.wait());
    }
}
