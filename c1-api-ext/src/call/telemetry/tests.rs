//! What metrics and traces see.

use std::sync::{Arc, Mutex};

use c1_api::{Error, ErrorKind};

use crate::call::script::Step::{BreaksOff, Long, NoToken, Status, With};
use crate::call::script::{Scene, get};
use crate::testing::{Recording, assert_no_secret};
use crate::{CallEnded, Metrics, RetryScheduled};

#[derive(Debug, Default)]
struct Counters {
    notes: Mutex<Vec<String>>,
}

impl Metrics for Counters {
    fn call_ended(&self, call: &CallEnded<'_>) {
        let result = call.result.map_err(Error::kind);
        let note = format!("{} {:?} {result:?}", call.attempts, call.elapsed);
        self.notes.lock().expect("no panic").push(note);
    }

    fn retry_scheduled(&self, retry: &RetryScheduled<'_>) {
        let kind = retry.error.kind();
        let note = format!("{} {:?} {kind:?}", retry.attempts, retry.delay);
        self.notes.lock().expect("no panic").push(note);
    }
}

#[tokio::test]
async fn metrics_are_told_of_calls_and_repetitions() {
    let counters = Arc::<Counters>::default();
    let told = counters.clone();
    let scene = Scene::with([Status(503), Status(200)], |builder| builder.metrics(told));
    scene.call(get()).await.expect("an answer");
    scene.script.go_on([Status(404)]);
    scene.fail(get()).await;
    assert_eq!(
        *counters.notes.lock().expect("no panic"),
        ["1 250ms Server", "2 250ms Ok(200)", "1 0ns Err(NotFound)"]
    );
}

#[tokio::test]
async fn traces_tell_how_a_call_went_and_not_what_it_was_about() {
    let (recording, _guard) = Recording::start();
    let scene = Scene::new([With(503, "retry-after", "2"), BreaksOff, Status(404)]);
    let (error, _) = scene.fail(get()).await;
    assert_eq!(error.attempts(), 3);
    scene.script.go_on([Status(200)]);
    scene.call(get()).await.expect("an answer");
    scene.script.go_on([NoToken { later: false }]);
    scene.fail(get()).await;

    let all = recording.all();
    assert_no_secret(&format!("{all:?}"));
    let fields = |index: usize| {
        let fields: Vec<_> = all[index].iter().collect();
        fields
            .iter()
            .map(|(name, value)| format!("{name}={value}"))
            .collect::<Vec<_>>()
            .join(" ")
    };
    let operation = get();
    let (id, path) = (operation.id, operation.path);
    let common = |extra: [&str; 3]| {
        let [error, resends, status] = extra;
        let failed = if error.is_empty() {
            ""
        } else {
            " otel.status_code=\"ERROR\""
        };
        format!(
            "c1.operation.id={id:?}{error} http.request.method=\"GET\"{resends}{status} otel.kind=\"client\" \
             otel.name=GET {path}{failed} server.address=\"127.0.0.1\" server.port=1 span=c1.call url.template={path:?}"
        )
    };
    let code = " http.response.status_code=404";
    let resends = " http.request.resend_count=2";
    let refused = " c1.request.id=\"r1\" error.type=\"404\"";
    assert_eq!(fields(0), common([refused, resends, code]));
    assert_eq!(
        fields(1),
        "c1.retry.delay_ms=2000 error.type=\"503\" http.request.resend_count=1 message=the call is retried"
    );
    assert_eq!(
        fields(2),
        "c1.retry.delay_ms=500 error.type=\"transport\" http.request.resend_count=2 message=the call is retried"
    );
    assert_eq!(
        fields(3),
        common(["", "", " http.response.status_code=200"])
    );
    assert_eq!(fields(4), common([" error.type=\"auth\"", "", ""]));
    assert_eq!(all.len(), 5);
}

#[tokio::test]
async fn a_response_that_cannot_be_decoded_is_a_failure_for_metrics_and_tells_its_attempts() {
    let counters = Arc::<Counters>::default();
    let metrics = counters.clone();
    let scene = Scene::with([Status(503), Long(3)], |builder| builder.metrics(metrics));
    let error = scene.c1.apps().get("2B").await.expect_err("not JSON");
    assert_eq!((error.kind(), error.attempts()), (ErrorKind::Decode, 2));
    assert_eq!(
        *counters.notes.lock().expect("no panic"),
        ["1 250ms Server", "2 250ms Err(Decode)"]
    );
}
