//! How requests reach the server, and the seam between that and the generated client.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::sync::Arc;

use progenitor_client::{ClientHooks, ClientInfo, OperationInfo};
use reqwest::header::{ACCEPT, AUTHORIZATION, HeaderValue};
use reqwest::{Request, Response, StatusCode, Url};

use crate::error::{Carried, Error, ErrorKind, content_type};
use crate::operation::Operation;
use crate::{path, raw};

/// A boxed future that can move between threads.
pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;

/// Sends the requests of a [`Client`](crate::Client): adds credentials, repeats what failed, keeps a record, or answers
/// out of a test's own head. [`Bearer`] is the plainest one.
///
/// `Debug` is part of the bargain because a client shows its transport; it must not show secrets.
///
/// ```
/// use c1_api::{BoxFuture, Error, Operation, Transport};
///
/// /// Prints what is called, then lets another transport do it.
/// #[derive(Debug)]
/// struct Printing<T>(T);
///
/// impl<T: Transport> Transport for Printing<T> {
///     fn execute<'a>(
///         &'a self,
///         request: reqwest::Request,
///         operation: &'static Operation,
///     ) -> BoxFuture<'a, Result<reqwest::Response, Error>> {
///         println!("{}", operation.id);
///         self.0.execute(request, operation)
///     }
/// }
/// ```
pub trait Transport: fmt::Debug + Send + Sync + 'static {
    /// Sends `request`, which belongs to `operation`, and returns the answer whatever its status.
    ///
    /// The URL is complete and checked; `Accept` and a body's `Content-Type` are set.
    ///
    /// # Errors
    /// When there is no answer. A transport may also turn an answer into an error itself, by [`Error::from_response`].
    fn execute<'a>(
        &'a self,
        request: Request,
        operation: &'static Operation,
    ) -> BoxFuture<'a, Result<Response, Error>>;
}

/// A transport that is chosen while the program runs, or stands behind several others.
macro_rules! forward {
    ($($pointer:ident)*) => { $(
        impl<T: Transport + ?Sized> Transport for $pointer<T> {
            fn execute<'a>(
                &'a self,
                request: Request,
                operation: &'static Operation,
            ) -> BoxFuture<'a, Result<Response, Error>> {
                (**self).execute(request, operation)
            }
        }
    )* };
}
forward! { Arc Box }

/// Sends each request once and as it is: what other transports end in.
impl Transport for reqwest::Client {
    fn execute<'a>(
        &'a self,
        request: Request,
        _: &'static Operation,
    ) -> BoxFuture<'a, Result<Response, Error>> {
        Box::pin(async move { self.execute(request).await.map_err(Error::from_reqwest) })
    }
}

/// The inner type of progenitor's client.
pub(crate) type Shared = Arc<dyn Transport>;

/// A transport that adds one fixed bearer token (RFC 6750) and sends each request once.
#[derive(Clone)]
pub struct Bearer {
    http: reqwest::Client,
    authorization: HeaderValue,
}

impl Bearer {
    /// A transport that sends through `http`, whose timeouts and proxies apply.
    ///
    /// # Errors
    /// [`ErrorKind::Auth`], if `token` is empty or holds anything but visible ASCII characters.
    pub fn new(http: reqwest::Client, token: impl AsRef<str>) -> Result<Self, Error> {
        let token = token.as_ref();
        let unusable = || {
            Error::new(
                ErrorKind::Auth,
                "the token is empty or holds characters that no token has",
            )
        };
        if token.is_empty() || !token.bytes().all(|byte| byte.is_ascii_graphic()) {
            return Err(unusable());
        }
        let mut authorization =
            HeaderValue::try_from(format!("Bearer {token}")).map_err(|_| unusable())?;
        authorization.set_sensitive(true);
        Ok(Self {
            http,
            authorization,
        })
    }
}

impl Transport for Bearer {
    fn execute<'a>(
        &'a self,
        mut request: Request,
        operation: &'static Operation,
    ) -> BoxFuture<'a, Result<Response, Error>> {
        request
            .headers_mut()
            .insert(AUTHORIZATION, self.authorization.clone());
        Transport::execute(&self.http, request, operation)
    }
}

impl fmt::Debug for Bearer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bearer")
            .field("token", &format_args!("[redacted]"))
            .finish_non_exhaustive()
    }
}

impl ClientHooks<Shared> for raw::Client {
    /// Hands the request to the transport. progenitor lets only `reqwest::Error` out of here, which nobody else can make,
    /// so our errors travel inside a made-up answer; [`Error::from_raw`] takes them out again.
    async fn exec(&self, request: Request, info: &OperationInfo) -> reqwest::Result<Response> {
        let sent = match crate::by_raw_id(info.operation_id) {
            Some(operation) => exec(self, request, operation).await,
            None => Err(Error::new(
                ErrorKind::InvalidRequest,
                "the API has no such operation",
            )),
        };
        Ok(sent.unwrap_or_else(carry))
    }
}

async fn exec(
    client: &raw::Client,
    mut request: Request,
    operation: &'static Operation,
) -> Result<Response, Error> {
    let base = Url::parse(client.baseurl()).map_err(|error| {
        Error::new(ErrorKind::InvalidRequest, "the base URL is not a URL").with_source(error)
    })?;
    path::matches(base.path(), request.url(), operation.path)?;

    // progenitor's own habit; C1 knows no such header.
    request.headers_mut().remove("api-version");
    request
        .headers_mut()
        .insert(ACCEPT, HeaderValue::from_static("application/json"));
    let response = client.inner().execute(request, operation).await?;

    let status = response.status();
    match content_type(response.headers()) {
        // A path that is not the API's can answer 200 with a web page.
        Some(content) if status.is_success() && !is_json(&content) => Err(Error::new(
            ErrorKind::UnexpectedContent,
            format!("the server answered {status} with {content} instead of JSON"),
        )
        .with_status(status)),
        _ => Ok(response),
    }
}

/// Whether a media type, in lower case, is JSON (RFC 8259) or says by its suffix that it is (RFC 6839).
fn is_json(content_type: &str) -> bool {
    content_type == "application/json" || content_type.ends_with("+json")
}

/// Packs an error into an answer whose status no description lists.
fn carry(error: Error) -> Response {
    let mut response = http::Response::new("");
    *response.status_mut() = StatusCode::from_u16(599).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    response.extensions_mut().insert(Carried(error));
    response.into()
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::sync::Mutex;

    use super::*;
    use crate::operation::SAMPLE;

    /// Answers from its own head and remembers what it was asked.
    #[derive(Debug)]
    struct Canned {
        status: u16,
        content_type: Option<&'static str>,
        asked: Arc<Mutex<Vec<Request>>>,
    }

    impl Transport for Canned {
        fn execute<'a>(
            &'a self,
            request: Request,
            operation: &'static Operation,
        ) -> BoxFuture<'a, Result<Response, Error>> {
            assert_eq!(operation.id, SAMPLE.id);
            self.asked.lock().unwrap().push(request);
            let mut response = http::Response::builder().status(self.status);
            if let Some(content_type) = self.content_type {
                response = response.header("content-type", content_type);
            }
            let response = response.body("<html>canary").unwrap().into();
            Box::pin(async move { Ok(response) })
        }
    }

    /// Fails as a transport without a token would.
    #[derive(Debug)]
    struct Failing;

    impl Transport for Failing {
        fn execute<'a>(
            &'a self,
            _: Request,
            _: &'static Operation,
        ) -> BoxFuture<'a, Result<Response, Error>> {
            let error =
                Error::new(ErrorKind::Auth, "no token").with_source(std::io::Error::other("inner"));
            Box::pin(async move { Err(error) })
        }
    }

    fn client(base: &str, transport: impl Transport) -> raw::Client {
        raw::Client::new_with_client(base, crate::testing::http(), Arc::new(transport))
    }

    fn canned(
        status: u16,
        content_type: Option<&'static str>,
    ) -> (raw::Client, Arc<Mutex<Vec<Request>>>) {
        let asked = Arc::default();
        let transport = Canned {
            status,
            content_type,
            asked: Arc::clone(&asked),
        };
        (client("https://t.conductor.one", transport), asked)
    }

    /// As progenitor would get its answer and treat it.
    async fn call(client: &raw::Client, path: &str) -> Result<Response, Error> {
        let url = format!("{}{path}", client.baseurl());
        let request = client
            .client()
            .get(url)
            .header("api-version", "0.1.0")
            .build()
            .unwrap();
        let response = exec(client, request, &SAMPLE).await.unwrap_or_else(carry);
        match response.status() {
            StatusCode::OK => Ok(response),
            _ => Err(Error::from_raw(progenitor_client::Error::UnexpectedResponse(response)).await),
        }
    }

    #[tokio::test]
    async fn headers_are_set_straight() {
        let (client, asked) = canned(200, Some("application/json"));
        call(&client, "/api/v1/apps/2B").await.unwrap();
        let asked = asked.lock().unwrap();
        let headers = asked[0].headers();
        assert!(!headers.contains_key("api-version"));
        assert_eq!(headers[ACCEPT], "application/json");
    }

    #[tokio::test]
    async fn a_web_page_is_no_answer() {
        for content_type in [
            "text/html; charset=utf-8",
            "TEXT/HTML",
            "application/jsonp",
            "text/plain",
        ] {
            let error = call(&canned(200, Some(content_type)).0, "/api/v1/apps/2B")
                .await
                .unwrap_err();
            assert_eq!(error.kind(), ErrorKind::UnexpectedContent);
            assert_eq!(error.status(), Some(StatusCode::OK));
            assert!(
                error
                    .message()
                    .starts_with("the server answered 200 OK with "),
                "{error}"
            );
            assert!(!format!("{error:?}").contains("canary"));
        }
        let error = call(&canned(200, Some("text/html")).0, "/api/v1/apps/2B")
            .await
            .unwrap_err();
        assert_eq!(
            error.message(),
            "the server answered 200 OK with text/html instead of JSON"
        );
    }

    #[tokio::test]
    async fn json_by_any_name_is_let_through() {
        for content_type in [
            Some("application/json"),
            Some("Application/JSON;charset=UTF-8"),
            Some("application/x+json"),
            None,
        ] {
            call(&canned(200, content_type).0, "/api/v1/apps/2B")
                .await
                .unwrap();
        }
    }

    #[tokio::test]
    async fn an_error_page_is_an_error_of_its_status() {
        let error = call(&canned(404, Some("text/html")).0, "/api/v1/apps/2B")
            .await
            .unwrap_err();
        assert!(error.is_not_found());
        assert_eq!(error.kind(), ErrorKind::NotFound);
    }

    #[tokio::test]
    async fn a_url_off_its_template_is_never_sent() {
        let (client, asked) = canned(200, Some("application/json"));
        for path in [
            "/api/v1/apps/",
            "/api/v1/apps/..",
            "/api/v1/apps/a/b",
            "/api/v1/users/2B",
            "/api/v1/apps/%0A",
        ] {
            let error = call(&client, path).await.unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidRequest, "{path}");
        }
        assert!(asked.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn an_unknown_operation_is_never_sent() {
        let (client, asked) = canned(200, Some("application/json"));
        let request = client
            .client()
            .get("https://t.conductor.one/api/v1/apps/2B")
            .build()
            .unwrap();
        let response = client
            .exec(
                request,
                &OperationInfo {
                    operation_id: "nothing_like_it",
                },
            )
            .await
            .unwrap();
        let error = Error::from_raw(progenitor_client::Error::UnexpectedResponse(response)).await;
        assert_eq!(error.kind(), ErrorKind::InvalidRequest);
        assert!(asked.lock().unwrap().is_empty());
    }

    #[tokio::test]
    async fn a_transports_error_arrives_whole() {
        let error = call(
            &client("https://t.conductor.one/base", Failing),
            "/api/v1/apps/2B",
        )
        .await
        .unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Auth, "no token")
        );
        assert_eq!(error.source().unwrap().to_string(), "inner");
    }

    #[test]
    fn the_bearer_token_stays_secret() {
        let bearer = Bearer::new(crate::testing::http(), "canary").unwrap();
        assert!(bearer.authorization.is_sensitive());
        assert_eq!(format!("{bearer:?}"), "Bearer { token: [redacted], .. }");
        assert!(!format!("{:?}", client("https://t.conductor.one", bearer)).contains("canary"));
        for token in ["", "canary canary", "canary\n", "canaryé"] {
            let error = Bearer::new(crate::testing::http(), token).unwrap_err();
            assert_eq!(error.kind(), ErrorKind::Auth);
            assert!(!format!("{error} {error:?}").contains("canary"));
        }
    }

    #[tokio::test]
    async fn calls_can_move_between_threads() {
        fn sendable<T: Send>(future: T) -> T {
            future
        }
        let (client, _) = canned(200, None);
        sendable(call(&client, "/api/v1/apps/2B")).await.unwrap();
    }
}
