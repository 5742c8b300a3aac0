//! Between progenitor's client and the transport: every request of the crate passes through here.

use std::sync::Arc;

use progenitor_client::{ClientHooks, ClientInfo, OperationInfo, ResponseValue};
use reqwest::header::{ACCEPT, HeaderValue};
use reqwest::{Request, Response, StatusCode};

use crate::call::Call;
use crate::decode::decode;
use crate::error::{Error, ErrorKind, content_type};
use crate::transport::Transport;
use crate::wire::Field;
use crate::{path, raw};

/// The inner value of progenitor's client: one call, and where it goes.
#[derive(Clone, Debug)]
pub struct Dispatch {
    pub(crate) transport: Arc<dyn Transport>,
    pub(crate) call: Call,
    /// The path of the base URL, if the path below it is still to be checked: operation builders have done that.
    pub(crate) check_below: Option<String>,
}

impl Dispatch {
    /// Sends a request of the call.
    ///
    /// # Errors
    /// Those of the transport; [`ErrorKind::InvalidRequest`] for a URL or a header that must not be sent;
    /// [`ErrorKind::UnexpectedContent`] for a success that is not JSON, or a web page where something else is expected.
    pub(crate) async fn send(&self, mut request: Request) -> Result<Response, Error> {
        let options = self.call.options();
        let headers = request.headers_mut();
        // progenitor adds it; C1 has no such header.
        headers.remove("api-version");
        let accept = headers.entry(ACCEPT);
        let accept = accept.or_insert(HeaderValue::from_static("application/json"));
        let expects_json = accept.to_str().is_ok_and(is_json);
        if let Some(more) = options.headers()? {
            headers.extend(more.clone());
        }
        if let Some(limit) = options.time_limit() {
            *request.timeout_mut() = Some(limit);
        }
        if let Some(base) = &self.check_below {
            path::matches(base, request.url(), self.call.operation().path)?;
        }
        let response = self.transport.execute(request, &self.call).await?;

        let status = response.status();
        match content_type(response.headers()) {
            // A path outside of the API can respond 200 with a web page.
            Some(content) if status.is_success() && is_unexpected(&content, expects_json) => {
                let expected = if expects_json { "JSON" } else { "data" };
                let message =
                    format!("the server responded {status} with {content} instead of {expected}");
                Err(Error::new(ErrorKind::UnexpectedContent, message).with_status(status))
            }
            _ => Ok(response),
        }
    }
}

impl ClientHooks<Dispatch> for raw::Client {
    /// progenitor lets only `reqwest::Error` pass, which no other crate can construct. So our error is kept in the call,
    /// where [`RawCall::finish`] takes it, and a stand-in is returned.
    async fn exec(&self, request: Request, _: &OperationInfo) -> reqwest::Result<Response> {
        match self.inner().send(request).await {
            Ok(response) => Ok(response),
            Err(error) => {
                self.inner().call.fail(error);
                let mut response = http::Response::new("");
                *response.status_mut() = StatusCode::INTERNAL_SERVER_ERROR;
                Response::from(response).error_for_status()
            }
        }
    }
}

/// A call by progenitor's own client, which has one method for each operation with all parameters by position.
///
/// Made by [`Client::raw_call`](crate::Client::raw_call): call the method of the same operation on [`raw`](Self::raw), and
/// hand its result to [`finish`](Self::finish).
#[derive(Debug)]
pub struct RawCall(pub(crate) raw::Client);

impl raw::Client {
    /// Decodes the body of a success, in place of progenitor's own function: see [`decode`]. The generator puts the call of
    /// it into each method.
    #[allow(dead_code, reason = "a build without features has no operations")]
    pub(crate) async fn decode<T: Field + Send + 'static>(
        &self,
        response: Response,
    ) -> Result<ResponseValue<T>, progenitor_client::Error<()>> {
        let (status, headers) = (response.status(), response.headers().clone());
        let body = response.bytes().await;
        let body = body.map_err(progenitor_client::Error::ResponseBodyError)?;
        match decode(body).await {
            Ok(message) => Ok(ResponseValue::new(message, status, headers)),
            Err(error) => {
                self.inner().call.fail(error.with_status(status));
                Err(progenitor_client::Error::Custom(String::new()))
            }
        }
    }
}

impl RawCall {
    /// progenitor's client, for this one call. Do not print its errors: they quote bodies and headers.
    #[must_use]
    pub fn raw(&self) -> &raw::Client {
        &self.0
    }

    /// The outcome of the call, once its response is decoded.
    ///
    /// # Errors
    /// The error of the call; see [`ErrorKind`].
    pub async fn finish<T>(
        self,
        result: Result<ResponseValue<T>, progenitor_client::Error<()>>,
    ) -> Result<ResponseValue<T>, Error> {
        match result {
            Ok(response) => Ok(self.succeed(response)),
            Err(error) => Err(self.fail(error).await),
        }
    }

    /// Ends the call with a success.
    pub(crate) fn succeed<T>(&self, response: ResponseValue<T>) -> ResponseValue<T> {
        self.0.inner().call.end(Ok(response.status()));
        response
    }

    /// Ends the call with the error behind that of progenitor's client. Apart from the success, whose response may be
    /// large, so that no future has to hold it.
    pub(crate) async fn fail(&self, error: progenitor_client::Error<()>) -> Error {
        let call = &self.0.inner().call;
        call.end_with(match call.take_failure() {
            Some(error) => error,
            None => Error::from_raw(error).await,
        })
    }
}

/// Whether a success has a media type that tells of another server, or another path, than the operation's.
fn is_unexpected(content_type: &str, expects_json: bool) -> bool {
    if expects_json {
        !is_json(content_type)
    } else {
        content_type == "text/html"
    }
}

/// Whether a media type, in lower case, is JSON (RFC 8259) or says by its suffix that it is (RFC 6839).
fn is_json(content_type: &str) -> bool {
    content_type == "application/json" || content_type.ends_with("+json")
}

#[cfg(test)]
mod tests {
    use std::error::Error as _;
    use std::sync::Mutex;

    use crate::future::BoxFuture;
    use crate::options::CallOptions;

    use super::*;
    use crate::operation::SAMPLE;

    /// Responds by itself and keeps the requests.
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
            call: &'a Call,
        ) -> BoxFuture<'a, Result<Response, Error>> {
            assert_eq!(call.operation().id, SAMPLE.id);
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
            _: &'a Call,
        ) -> BoxFuture<'a, Result<Response, Error>> {
            let error =
                Error::new(ErrorKind::Auth, "no token").with_source(std::io::Error::other("inner"));
            Box::pin(async move { Err(error) })
        }
    }

    fn dispatch(transport: impl Transport) -> Dispatch {
        Dispatch {
            transport: Arc::new(transport),
            call: Call::new(&SAMPLE, CallOptions::new()),
            check_below: Some("/".to_owned()),
        }
    }

    fn canned(
        status: u16,
        content_type: Option<&'static str>,
    ) -> (Dispatch, Arc<Mutex<Vec<Request>>>) {
        let asked = Arc::default();
        let transport = Canned {
            status,
            content_type,
            asked: Arc::clone(&asked),
        };
        (dispatch(transport), asked)
    }

    /// A call by progenitor's client, with the header that it adds.
    async fn call(dispatch: &Dispatch, path: &str) -> Result<(), Error> {
        let http = crate::testing::http();
        let base = "https://t.conductor.one";
        let request = http
            .get(format!("{base}{path}"))
            .header("api-version", "0.1.0")
            .build()
            .unwrap();
        let raw = RawCall(raw::Client::new_with_client(base, http, dispatch.clone()));
        let info = OperationInfo {
            operation_id: "apps_get",
        };
        let result = match raw.raw().exec(request, &info).await {
            Ok(response) if response.status() == StatusCode::OK => Ok(ResponseValue::new(
                (),
                StatusCode::OK,
                response.headers().clone(),
            )),
            Ok(response) => Err(progenitor_client::Error::UnexpectedResponse(response)),
            Err(error) => Err(progenitor_client::Error::CommunicationError(error)),
        };
        raw.finish(result).await.map(drop)
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
    async fn a_web_page_is_an_error() {
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
                    .starts_with("the server responded 200 OK with "),
                "{error}"
            );
            assert!(!format!("{error:?}").contains("canary"));
        }
        let error = call(&canned(200, Some("text/html")).0, "/api/v1/apps/2B")
            .await
            .unwrap_err();
        assert_eq!(
            error.message(),
            "the server responded 200 OK with text/html instead of JSON"
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
    async fn a_transports_error_arrives_whole() {
        let error = call(&dispatch(Failing), "/api/v1/apps/2B")
            .await
            .unwrap_err();
        assert_eq!(
            (error.kind(), error.message()),
            (ErrorKind::Auth, "no token")
        );
        assert_eq!(error.source().unwrap().to_string(), "inner");
    }

    #[tokio::test]
    async fn observers_see_the_outcome_after_decoding() {
        let (dispatch, _) = canned(200, None);
        let seen = Arc::new(Mutex::new(Vec::new()));
        let call = Call::new(&SAMPLE, CallOptions::new());
        let noted = seen.clone();
        call.on_end(move |_, result| noted.lock().unwrap().push(result.map_err(Error::kind)));
        call.begin_attempt();
        let raw = RawCall(raw::Client::new_with_client(
            "https://t.conductor.one",
            crate::testing::http(),
            Dispatch { call, ..dispatch },
        ));
        let inner = serde_json::from_str::<crate::wire::Any>("[]").unwrap_err();
        let undecodable = progenitor_client::Error::InvalidResponsePayload("[]".into(), inner);
        let error = raw.finish::<()>(Err(undecodable)).await.unwrap_err();
        assert_eq!((error.kind(), error.attempts()), (ErrorKind::Decode, 1));
        assert_eq!(*seen.lock().unwrap(), [Err(ErrorKind::Decode)]);
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
