//! Calls of the operations that progenitor's client lacks, because it cannot express them: `is_lowered` of c1-api-spec
//! (`spec/src/lower.rs`) says which. Their requests are built here; whatever follows is as for all others.

#![allow(dead_code, reason = "the description of a build may need none of it")]

use progenitor_client::ResponseValue;
use reqwest::header::{ACCEPT, CONTENT_TYPE, HeaderValue};
use reqwest::{Request, Response, Url};
use serde_json::Value as Json;

use crate::body::Body;
use crate::call::Call;
use crate::client::Client;
use crate::decode::decode;
use crate::error::{Error, ErrorKind};
use crate::operation::Operation;
use crate::path;
use crate::wire::{self, Field, Value};

/// The request of an operation. It keeps the first error, so that generated code need not look at every single step.
pub(crate) struct Direct {
    client: Client,
    operation: &'static Operation,
    /// The template, in which values replace the parameters.
    path: String,
    query: String,
    headers: Vec<(&'static str, HeaderValue)>,
    body: Option<(&'static str, Vec<u8>)>,
    error: Option<Error>,
}

impl Direct {
    pub(crate) fn new(client: Client, operation: &'static Operation) -> Self {
        Self {
            client,
            operation,
            path: operation.path.to_owned(),
            query: String::new(),
            headers: Vec::new(),
            body: None,
            error: None,
        }
    }

    /// Puts a value in the place of a parameter in the path.
    pub(crate) fn path(mut self, name: &str, value: &impl Value) -> Self {
        let value = self.texts(name, value).concat();
        let checked = path::check(name, &value);
        self.keep(checked);
        // A value has no braces any more, so that it cannot be taken for another parameter.
        self.path = self
            .path
            .replace(&format!("{{{name}}}"), &path::encode(&value));
        self
    }

    /// Adds a parameter to the query; of a list once for each value. Nothing for `None`.
    pub(crate) fn query(mut self, name: &str, value: &impl Value) -> Self {
        for text in self.texts(name, value) {
            self.pair(name, &path::encode(&text));
        }
        self
    }

    /// Adds a list to the query as one parameter; a separator other than a comma cannot be part of a value, because both
    /// would be percent-encoded.
    pub(crate) fn joined(mut self, name: &str, separator: char, value: &impl Value) -> Self {
        let texts = self.texts(name, value);
        if separator != ',' && texts.iter().any(|text| text.contains(separator)) {
            let message = format!(
                "a value of the query parameter `{name}` contains {separator:?}, which separates the values"
            );
            self.keep(Err(Error::new(ErrorKind::InvalidRequest, message)));
        }
        if !texts.is_empty() {
            let separator = match separator {
                ',' => ",".to_owned(),
                other => path::encode(other.encode_utf8(&mut [0; 4])),
            };
            let texts: Vec<_> = texts.iter().map(|text| path::encode(text)).collect();
            self.pair(name, &texts.join(&separator));
        }
        self
    }

    /// Sets a header; a list with commas between the values. Nothing for `None`.
    pub(crate) fn header(mut self, name: &'static str, value: &impl Value) -> Self {
        let texts = self.texts(name, value);
        if !texts.is_empty() {
            let value = HeaderValue::try_from(texts.join(","));
            let value = value.map_err(|_| {
                let message =
                    format!("the header `{name}` has a character that no header can have");
                Error::new(ErrorKind::InvalidRequest, message)
            });
            match value {
                Ok(value) => self.headers.push((name, value)),
                Err(error) => self.keep(Err(error)),
            }
        }
        self
    }

    /// Sets a JSON body of the media type.
    pub(crate) fn json(mut self, media: &'static str, value: &impl Value) -> Self {
        match wire::to_vec(value) {
            Ok(body) => self.body = Some((media, body)),
            Err(error) => self.keep(Err(unwritable("the body", error))),
        }
        self
    }

    /// Sets a body of the media type.
    pub(crate) fn bytes(mut self, media: &'static str, body: Vec<u8>) -> Self {
        self.body = Some((media, body));
        self
    }

    /// Sends the request for a JSON response. No body at all is read as the empty value.
    pub(crate) async fn send<T: Field + Send + 'static>(
        self,
        media: &'static str,
    ) -> Result<ResponseValue<T>, Error> {
        let call = Call::new(self.operation, self.client.options().clone());
        let response = match self.exchange(&call, media).await {
            Ok(response) => value(response).await,
            Err(error) => Err(error),
        };
        ended(&call, response)
    }

    /// Sends the request for a response without a body. What there is of it is not read.
    pub(crate) async fn send_for_nothing(self) -> Result<ResponseValue<()>, Error> {
        let call = Call::new(self.operation, self.client.options().clone());
        let response = self.exchange(&call, "*/*").await;
        let response = response.map(|response| {
            let (status, headers) = (response.status(), response.headers().clone());
            ResponseValue::new((), status, headers)
        });
        ended(&call, response)
    }

    /// Sends the request for a response of the media type, whose body is left to the caller.
    pub(crate) async fn send_for_bytes(
        self,
        media: &'static str,
    ) -> Result<ResponseValue<Body>, Error> {
        let call = Call::streamed(self.operation, self.client.options().clone());
        let response = self.exchange(&call, media).await;
        let response = response.map(|response| {
            let (status, headers) = (response.status(), response.headers().clone());
            ResponseValue::new(Body::new(response), status, headers)
        });
        ended(&call, response)
    }

    async fn exchange(self, call: &Call, accept: &'static str) -> Result<Response, Error> {
        let dispatch = self.client.dispatch(call.clone(), None);
        let response = dispatch.send(self.build(accept)?).await?;
        if response.status().is_success() {
            Ok(response)
        } else {
            Err(Error::from_response(response).await)
        }
    }

    fn build(self, accept: &'static str) -> Result<Request, Error> {
        if let Some(error) = self.error {
            return Err(error);
        }
        let url = format!("{}{}", self.client.base_url(), self.path);
        let mut url = Url::parse(&url).map_err(|error| {
            Error::new(ErrorKind::InvalidRequest, "the path is not valid in a URL")
                .with_source(error)
        })?;
        url.set_query(Some(&*self.query).filter(|query| !query.is_empty()));
        let method = reqwest::Method::from_bytes(self.operation.method.as_bytes());
        let method = method.map_err(|error| {
            Error::new(ErrorKind::InvalidRequest, "the method is not valid").with_source(error)
        })?;
        let mut request = self
            .client
            .http()
            .request(method, url)
            .header(ACCEPT, accept);
        for (name, value) in self.headers {
            request = request.header(name, value);
        }
        if let Some((media, body)) = self.body {
            request = request.header(CONTENT_TYPE, media).body(body);
        }
        request.build().map_err(Error::from_reqwest)
    }

    /// A value as the texts by which it stands in a URL or a header: one, or of a list one for each element.
    fn texts(&mut self, name: &str, value: &impl Value) -> Vec<String> {
        match wire::to_json(value) {
            Ok(Json::Null) => Vec::new(),
            Ok(Json::Array(values)) => values.into_iter().map(text).collect(),
            Ok(value) => vec![text(value)],
            Err(error) => {
                let what = format!("the parameter `{name}`");
                self.keep(Err(unwritable(&what, error)));
                Vec::new()
            }
        }
    }

    fn pair(&mut self, name: &str, encoded: &str) {
        let and = if self.query.is_empty() { "" } else { "&" };
        self.query = format!("{}{and}{}={encoded}", self.query, path::encode(name));
    }

    fn keep(&mut self, result: Result<(), Error>) {
        if let Err(error) = result {
            self.error.get_or_insert(error);
        }
    }
}

async fn value<T: Field + Send + 'static>(response: Response) -> Result<ResponseValue<T>, Error> {
    let (status, headers) = (response.status(), response.headers().clone());
    let body = response.bytes().await.map_err(Error::from_reqwest)?;
    let value = if body.is_empty() {
        T::absent()
    } else {
        let value = decode(body).await;
        value.map_err(|error| error.with_status(status))?
    };
    Ok(ResponseValue::new(value, status, headers))
}

fn ended<T>(
    call: &Call,
    result: Result<ResponseValue<T>, Error>,
) -> Result<ResponseValue<T>, Error> {
    match result {
        Ok(response) => {
            call.end(Ok(response.status()));
            Ok(response)
        }
        Err(error) => Err(call.end_with(error)),
    }
}

fn text(value: Json) -> String {
    match value {
        Json::String(text) => text,
        other => other.to_string(),
    }
}

fn unwritable(what: &str, error: serde_json::Error) -> Error {
    let message = format!("{what} cannot be written as JSON: {error}");
    Error::new(ErrorKind::InvalidRequest, message).with_source(error)
}

#[cfg(test)]
mod tests {
    use std::sync::{Arc, Mutex};

    use super::*;
    use crate::future::BoxFuture;
    use crate::operation::{Operation, SAMPLE};
    use crate::transport::Transport;

    static WITHIN: Operation = Operation {
        path: "/v1/{a}-{b}:verb",
        ..SAMPLE
    };

    /// Responds with this body and keeps the requests.
    #[derive(Clone, Debug)]
    struct Canned(u16, &'static str, &'static str, Arc<Mutex<Vec<Request>>>);

    impl Transport for Canned {
        fn execute<'a>(
            &'a self,
            request: Request,
            _: &'a Call,
        ) -> BoxFuture<'a, Result<Response, Error>> {
            self.3.lock().unwrap().push(request);
            let response = http::Response::builder().status(self.0);
            let response = response.header("content-type", self.1);
            let response = response.body(self.2).unwrap().into();
            Box::pin(async move { Ok(response) })
        }
    }

    fn client(status: u16, media: &'static str, body: &'static str) -> (Client, Canned) {
        let canned = Canned(status, media, body, Arc::default());
        let base = "https://t.conductor.one/base";
        let client = Client::new(base, crate::testing::http(), canned.clone());
        (client.unwrap(), canned)
    }

    fn request() -> Direct {
        Direct::new(client(200, "application/json", "").0, &WITHIN)
    }

    fn texts(values: &[&str]) -> Vec<String> {
        values.iter().map(|value| (*value).to_owned()).collect()
    }

    #[test]
    fn values_stay_where_they_belong() {
        let built = request()
            .path("a", &"{b}/:".to_owned())
            .path("b", &-7_i64)
            .query("q", &Some("a&b=c".to_owned()))
            .query("none", &None::<String>)
            .query("list", &texts(&["x y", "z"]))
            .joined("ids", ',', &texts(&["1,2", "3"]))
            .joined("words", '|', &texts(&["a", "b"]))
            .joined("nothing", ' ', &texts(&[]))
            .query("flag", &true)
            .header("x-list", &texts(&["a", "b"]))
            .bytes("text/csv", b"a,b".to_vec())
            .build("text/csv")
            .unwrap();
        assert_eq!(
            built.url().as_str(),
            "https://t.conductor.one/base/v1/%7Bb%7D%2F%3A--7:verb\
             ?q=a%26b%3Dc&list=x%20y&list=z&ids=1%2C2,3&words=a%7Cb&flag=true"
        );
        let headers = built.headers();
        assert_eq!(headers["x-list"], "a,b");
        assert_eq!(headers["content-type"], "text/csv");
        assert_eq!(headers["accept"], "text/csv");
        assert_eq!(built.body().unwrap().as_bytes().unwrap(), b"a,b");
    }

    #[test]
    fn what_cannot_be_sent_is_refused_by_name() {
        for (request, message) in [
            (
                request()
                    .path("a", &"..".to_owned())
                    .path("b", &String::new()),
                "the path parameter `a` is a dot segment",
            ),
            (
                request().joined("words", '|', &texts(&["canary|"])),
                "a value of the query parameter `words` contains '|', which separates the values",
            ),
            (
                request().header("x-a", &"canary\n".to_owned()),
                "the header `x-a` has a character that no header can have",
            ),
        ] {
            let error = request.build("application/json").unwrap_err();
            assert_eq!(error.kind(), ErrorKind::InvalidRequest);
            assert_eq!(error.message(), message);
        }
    }

    #[tokio::test]
    async fn a_success_without_a_body_is_the_empty_value() {
        let (client, _) = client(204, "application/json", "");
        let sent = Direct::new(client, &SAMPLE).send::<Vec<String>>("application/json");
        let response = sent.await.unwrap();
        assert_eq!(response.status().as_u16(), 204);
        assert_eq!(response.into_inner(), Vec::<String>::new());
    }

    #[tokio::test]
    async fn json_of_any_success_is_decoded() {
        let (client, _) = client(202, "application/json", "[\"a\"]");
        let sent = Direct::new(client, &SAMPLE).send::<Vec<String>>("application/json");
        assert_eq!(sent.await.unwrap().into_inner(), ["a"]);
    }

    #[tokio::test]
    async fn bytes_are_not_read_as_json_and_a_web_page_is_no_data() {
        let (other, _) = client(200, "text/csv", "a,b");
        let body = Direct::new(other, &SAMPLE).send_for_bytes("text/csv");
        assert_eq!(
            body.await.unwrap().into_inner().bytes().await.unwrap(),
            b"a,b"
        );
        let (page, _) = client(200, "text/html", "<html>canary");
        let body = Direct::new(page, &SAMPLE).send_for_bytes("text/csv");
        let error = body.await.unwrap_err();
        assert_eq!(error.kind(), ErrorKind::UnexpectedContent);
        assert_eq!(
            error.message(),
            "the server responded 200 OK with text/html instead of data"
        );
        let (refusing, canned) = client(404, "application/json", "{}");
        let nothing = Direct::new(refusing, &SAMPLE).send_for_nothing();
        assert!(nothing.await.unwrap_err().is_not_found());
        assert_eq!(canned.3.lock().unwrap()[0].headers()["accept"], "*/*");
    }
}
