//! A recording of a client at work: what it keeps, and that neither token nor data are in it.

#![allow(clippy::unwrap_used, reason = "a test fails by panicking")]

use std::io::{self, Write};
use std::sync::{Arc, Mutex};

use c1_api_emulator::Emulator;
use c1_api_ext::C1;
use c1_api_ext::record::{RecordError, Recorder};
use c1_api_ext::types::CreateAppRequest;
use serde_json::{Value, json};

/// A file that can be read.
#[derive(Clone, Default)]
struct Shared(Arc<Mutex<Vec<u8>>>);

impl Write for Shared {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

/// A disk that is full.
struct Full;

impl Write for Full {
    fn write(&mut self, _: &[u8]) -> io::Result<usize> {
        Err(io::ErrorKind::StorageFull.into())
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

fn client(emulator: &Emulator, recorder: &Recorder) -> C1 {
    let token = emulator.access_token().unwrap();
    let builder = C1::builder().tenant(emulator.base_url());
    let builder = builder.access_token(token).layer(recorder.layer());
    builder.build().unwrap()
}

#[tokio::test]
async fn a_recording_shows_what_belongs_together_and_nothing_else() {
    let emulator = Emulator::start().await.unwrap();
    let file = Shared::default();
    let recorder = Recorder::new(file.clone()).unwrap().source("emulator");
    let c1 = client(&emulator, &recorder);
    let request = CreateAppRequest::new("Canary Payments").description("canary of Ada");
    let app = c1.apps().create(request).await.unwrap().app.unwrap();
    let id = app.id.unwrap();
    // What the layer reads of a response is there for the caller as well.
    assert_eq!(
        c1.apps().get(&id).await.unwrap().app.unwrap().id,
        Some(id.clone())
    );
    c1.apps().get("canary").await.unwrap_err();
    recorder.finish().unwrap();

    let text = String::from_utf8(file.0.lock().unwrap().clone()).unwrap();
    let token = emulator.access_token().unwrap();
    let host = emulator.base_url().trim_start_matches("http://");
    for leak in ["anary", "Ada", "uthorization", &id, &token, host] {
        assert!(!text.contains(leak), "{leak}: {text}");
    }
    let lines: Vec<Value> = text
        .lines()
        .map(|line| serde_json::from_str(line).unwrap())
        .collect();
    let [created, read, missing] = &lines[..] else {
        panic!("{text}");
    };
    assert_eq!(created["source"], "emulator");
    assert_eq!(
        created["request"]["displayName"],
        created["response"]["app"]["displayName"]
    );
    assert_eq!(read["operation"], "apps.get");
    assert_eq!(read["parameters"]["id"], created["response"]["app"]["id"]);
    assert_eq!(
        read["headers"],
        json!({ "content-type": "application/json" })
    );
    assert_eq!(missing["status"], 404);
    assert_eq!(missing["response"]["code"], 5);
    let detail = &missing["response"]["details"][0];
    let ty = "type.googleapis.com/google.rpc.ResourceInfo";
    assert_eq!(detail["@type"], ty, "{missing}");
}

#[tokio::test]
async fn a_full_disk_fails_the_recording_and_no_call() {
    let emulator = Emulator::start().await.unwrap();
    let recorder = Recorder::new(Full).unwrap();
    client(&emulator, &recorder).apps().list().await.unwrap();
    let error = recorder.finish().unwrap_err();
    assert!(matches!(error, RecordError::Write(_)), "{error}");
    recorder.finish().unwrap();
}
