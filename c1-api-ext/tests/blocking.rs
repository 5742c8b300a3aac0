//! The way to call C1 without async that the documentation shows, and what becomes of its misuse.

#![allow(clippy::expect_used, reason = "a failing helper is a failing test")]

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::mpsc;
use std::thread;

use c1_api_emulator::Emulator;
use c1_api_ext::C1;
use tokio::runtime::{Builder, Runtime};

fn runtime() -> Runtime {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime")
}

/// A client of an emulator that runs in a thread of its own, and what ends it.
fn client() -> (C1, impl Sized) {
    let (sender, receiver) = mpsc::channel();
    let (end, ended) = tokio::sync::oneshot::channel::<()>();
    thread::spawn(move || {
        runtime().block_on(async {
            let emulator = Emulator::start().await.expect("an emulator");
            let id = (emulator.client_id(), emulator.client_secret().to_owned());
            sender.send((id.0.to_string(), id.1)).expect("a receiver");
            let _ = ended.await;
        });
    });
    let (id, secret) = receiver.recv().expect("the emulator");
    let c1 = C1::builder().client_credentials(id, secret).build();
    (c1.expect("a client"), end)
}

#[test]
fn a_runtime_of_its_own_serves_one_call_after_the_other() {
    let (c1, _emulator) = client();
    let runtime = runtime();
    for _ in 0..3 {
        let apps = runtime.block_on(c1.apps().list().into_future());
        assert!(!apps.expect("apps").list.is_empty());
    }
    // In another thread, too, and one at a time in several.
    thread::scope(|scope| {
        let calls =
            [(); 3].map(|()| scope.spawn(|| runtime.block_on(c1.apps().list().into_future())));
        for call in calls {
            assert!(call.join().expect("no panic").is_ok());
        }
    });
}

#[test]
fn inside_a_runtime_it_panics_and_a_thread_helps() {
    let (c1, _emulator) = client();
    let inner = runtime();
    runtime().block_on(async {
        let misuse = || inner.block_on(c1.apps().list().into_future());
        let panic = catch_unwind(AssertUnwindSafe(misuse)).expect_err("no runtime within another");
        let message = panic.downcast_ref::<&str>().copied();
        let message = message.or_else(|| panic.downcast_ref::<String>().map(String::as_str));
        assert!(
            message.is_some_and(|text| text.contains("within a runtime")),
            "{message:?}"
        );
        let apps = thread::scope(|scope| {
            let call = scope.spawn(|| inner.block_on(c1.apps().list().into_future()));
            call.join().expect("no panic")
        });
        assert!(apps.is_ok());
    });
}
