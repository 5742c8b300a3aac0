//! Every way to get a token, against an emulated tenant whose time is the tests' own.

#![allow(clippy::expect_used, reason = "a failing helper is a failing test")]

use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, SystemTime};

use c1_api_emulator::Fault;
use c1_api_ext::c1_api::types::CreateAppRequest;
use c1_api_ext::{
    C1, C1Builder, ClientSecret, DeviceLogin, DeviceLoginError, DpopKey, Error, ErrorKind,
    RetryPolicy, SubjectToken, TokenError,
};
use c1_test_kit::{Tenant, TestClock, shown};
use tokio::runtime::{Builder, Runtime};

/// One call that needs a token.
async fn call(c1: &C1) -> Result<(), Error> {
    c1.apps().list().await.map(drop)
}

/// So many calls together, all of which have to succeed.
async fn call_at_once(c1: &C1, count: usize) {
    let calls: Vec<_> = (0..count)
        .map(|_| {
            let c1 = c1.clone();
            tokio::spawn(async move { call(&c1).await })
        })
        .collect();
    for call in calls {
        call.await.expect("no panic").expect("an answer");
    }
}

fn build(builder: C1Builder) -> C1 {
    builder.build().expect("a client")
}

#[tokio::test]
async fn a_signed_assertion_gets_a_token_that_is_used_until_it_ends() {
    let tenant = Tenant::start(|b| b.token_lifetime(Duration::from_secs(600))).await;
    let c1 = build(tenant.credentials());
    for _ in 0..3 {
        call(&c1).await.expect("an answer");
    }
    assert_eq!(tenant.token_requests(), 1);
    tenant.clock().advance(Duration::from_secs(601));
    call(&c1).await.expect("an answer");
    assert_eq!(tenant.token_requests(), 2);
}

#[tokio::test]
async fn a_plain_secret_gets_one_too() {
    let tenant = Tenant::start(|b| b).await;
    let (id, secret) = (tenant.client_id(), tenant.client_secret());
    let c1 = build(tenant.builder().client_secret_post(id, secret));
    call(&c1).await.expect("an answer");

    let wrong = build(tenant.builder().client_secret_post(id, "canary"));
    let error = call(&wrong).await.expect_err("a wrong secret");
    assert_eq!(refusal(&error), "invalid_client");
    assert!(!shown(&error).contains("canary"));
}

#[tokio::test]
async fn the_token_of_another_issuer_is_exchanged_and_asked_for_anew() {
    let tenant = Arc::new(Tenant::start(|b| b).await);
    let asked = Arc::new(AtomicUsize::default());
    let subject = {
        let (tenant, asked) = (tenant.clone(), asked.clone());
        move || {
            asked.fetch_add(1, Ordering::Relaxed);
            std::future::ready(tenant.subject_token())
        }
    };
    let id = tenant.federation_client_id();
    let c1 = build(tenant.builder().token_exchange(id, subject.clone()));
    for round in 1..3 {
        call(&c1).await.expect("an answer");
        call(&c1).await.expect("an answer");
        assert_eq!(asked.load(Ordering::Relaxed), round);
        tenant.revoke_tokens();
    }
    for key in keys() {
        let bound = build(
            tenant
                .builder()
                .token_exchange(id, subject.clone())
                .dpop(key),
        );
        call(&bound).await.expect("an answer");
    }
    let old = SubjectToken::new(tenant.subject_token().expect("a token"));
    tenant.clock().advance(Duration::from_secs(601));
    let stale = build(tenant.builder().token_exchange(id, old));
    let error = call(&stale).await.expect_err("older than ten minutes");
    assert_eq!(refusal(&error), "invalid_grant");
}

#[tokio::test]
async fn the_environment_leads_to_each_of_them() {
    let tenant = Tenant::start(|b| b).await;
    // The client's clock is the system's here.
    tenant.clock().set(SystemTime::now());
    let (token, subject) = (
        tenant.access_token().expect("a token"),
        tenant.subject_token().expect("a token"),
    );
    for vars in [
        vec![
            ("ACCESS_TOKEN", token.as_str()),
            ("SERVER_URL", tenant.base_url()),
        ],
        vec![
            ("OIDC_TOKEN", &subject),
            ("CLIENT_ID", tenant.federation_client_id()),
        ],
        vec![
            ("CLIENT_ID", tenant.client_id()),
            ("CLIENT_SECRET", tenant.client_secret()),
        ],
    ] {
        let c1 = C1::from_vars(|name| {
            let name = name.strip_prefix("CONDUCTORONE_").expect("ours");
            let found = vars.iter().find(|(known, _)| *known == name);
            found.map(|(_, value)| (*value).to_owned())
        });
        call(&c1.expect("complete")).await.expect("an answer");
    }
}

#[tokio::test]
async fn a_person_logs_in_on_a_device() {
    for interval in [None, Some(Duration::ZERO), Some(Duration::from_secs(7))] {
        let tenant = Tenant::start(|b| b.device_interval(interval)).await;
        let login = DeviceLogin::new(tenant.endpoint(), "some-cli");
        let waiting = login.start().await.expect("a code");
        assert!(tenant.approve_device(waiting.user_code()));
        let token = waiting.wait().await.expect("a token");
        let c1 = build(tenant.builder().access_token(token));
        call(&c1).await.expect("an answer");

        let denied = login.start().await.expect("another code");
        assert!(tenant.deny_device(denied.user_code()));
        let error = denied.wait().await.expect_err("denied");
        assert!(matches!(error, DeviceLoginError::Denied), "{error}");
        // Nobody comes; each wait is the clock's, and the emulator's `slow_down` would show in the number of polls.
        let before = tenant.token_requests();
        let nobody = login.start().await.expect("another code");
        let error = nobody.wait().await.expect_err("nobody came");
        assert!(matches!(error, DeviceLoginError::Expired), "{error}");
        let seconds = interval.map_or(5, |i| i.as_secs().max(5));
        let polls = tenant.token_requests() - before;
        assert!(
            polls >= 600 / seconds - 1 && polls <= 600 / seconds,
            "{polls}"
        );
    }
}

#[tokio::test]
async fn a_server_that_says_slow_down_is_obeyed() {
    let tenant = Tenant::start(|b| b.device_lifetime(Duration::from_secs(90))).await;
    let (server, count) = (tenant.clock().clone(), AtomicUsize::default());
    let clock = TestClock::default().on_sleep(move |duration| {
        // For the first waits, hardly any time passes at the server.
        let hasty = count.fetch_add(1, Ordering::Relaxed) < 3;
        server.advance(if hasty {
            Duration::from_secs(1)
        } else {
            duration
        });
        Box::pin(std::future::ready(()))
    });
    let endpoint = tenant.endpoint().clock(clock.clone());
    let waiting = DeviceLogin::new(endpoint, "some-cli").start().await;
    let error = waiting
        .expect("a code")
        .wait()
        .await
        .expect_err("nobody came");
    assert!(matches!(error, DeviceLoginError::Expired), "{error}");
    // The first question is always in time, the next two are not.
    let waits: Vec<_> = clock.waits().iter().map(Duration::as_secs).collect();
    assert_eq!(waits, [5, 5, 10, 15, 15, 15, 15, 10]);
}

#[tokio::test]
async fn another_key_is_refused_with_the_servers_reason() {
    let tenant = Tenant::start(|b| b).await;
    let other = ClientSecret::from_seed([7; 32]);
    let c1 = build(
        tenant
            .builder()
            .client_credentials(tenant.client_id(), other.expose().as_str()),
    );
    let error = call(&c1).await.expect_err("another key");
    assert_eq!(error.kind(), ErrorKind::Auth);
    assert_eq!(refusal(&error), "invalid_client");
    assert!(
        !TokenError::of(&error)
            .expect("a token error")
            .is_retryable()
    );
    assert_eq!(
        tenant.token_requests(),
        1,
        "asked once, no matter the clock"
    );
    assert!(
        tenant.requests().is_empty(),
        "nothing was sent without a token"
    );
}

#[tokio::test]
async fn ten_thousand_first_calls_share_one_token() {
    let tenant = Tenant::start(|b| b).await;
    let cache = Arc::new(tenant.cache());
    let tasks: Vec<_> = (0..10_000)
        .map(|_| {
            let cache = cache.clone();
            tokio::spawn(async move { cache.get().await })
        })
        .collect();
    let mut tokens = std::collections::HashSet::new();
    for task in tasks {
        let token = task.await.expect("no panic").expect("a token");
        tokens.insert(token.expose().to_owned());
    }
    assert_eq!((tokens.len(), tenant.token_requests()), (1, 1));
}

#[tokio::test]
async fn a_thousand_calls_across_an_expiry_renew_once_and_none_fails() {
    let tenant = Tenant::start(|b| b.token_lifetime(Duration::from_secs(600))).await;
    let c1 = build(tenant.credentials());
    call(&c1).await.expect("an answer");
    for round in 0..10 {
        // From the middle of its life to within the last fifth, where the renewal falls, and on to its end.
        tenant
            .clock()
            .advance(Duration::from_secs(if round == 0 { 300 } else { 31 }));
        call_at_once(&c1, 100).await;
    }
    assert_eq!(
        tenant.requests().len(),
        1001,
        "none was refused and repeated"
    );
    assert_eq!(tenant.token_requests(), 2);
}

#[tokio::test]
async fn a_failed_renewal_is_no_error_while_the_old_token_is_valid() {
    let tenant = Tenant::start(|b| b.token_lifetime(Duration::from_secs(600))).await;
    let c1 = build(tenant.credentials().retry(RetryPolicy::off()));
    call(&c1).await.expect("an answer");
    tenant.inject(Fault::new().path("/auth/v1/token").status(503));
    tenant.clock().advance(Duration::from_secs(560));
    while tenant.token_requests() < 2 {
        call(&c1).await.expect("the old token is good");
    }
    tenant.clock().advance(Duration::from_secs(40));
    let error = call(&c1).await.expect_err("no token is left");
    assert!(
        TokenError::of(&error)
            .expect("a token error")
            .is_retryable()
    );
    tenant.clear_faults();
    call(&c1).await.expect("the server is back");
}

#[test]
fn a_client_serves_runtimes_that_come_and_go() {
    let server = Runtime::new().expect("a runtime");
    let tenant = server.block_on(Tenant::start(|b| b));
    let c1 = build(tenant.credentials());
    std::thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..10 {
                    let runtime = Builder::new_current_thread().enable_all().build();
                    let called = runtime.expect("a runtime").block_on(call(&c1));
                    called.expect("an answer");
                }
            });
        }
    });
    assert!(tenant.token_requests() <= 4, "the token is shared");
}

#[tokio::test]
async fn many_refused_at_once_ask_for_one_new_token() {
    let tenant = Tenant::start(|b| b).await;
    let c1 = build(tenant.credentials());
    for round in 2..5 {
        call(&c1).await.expect("an answer");
        tenant.revoke_tokens();
        call_at_once(&c1, 200).await;
        assert_eq!(tenant.token_requests(), round);
    }
}

#[tokio::test]
async fn a_second_refusal_is_the_callers() {
    let tenant = Tenant::start(|b| b).await;
    let c1 = build(tenant.builder().access_token("canary"));
    let error = call(&c1).await.expect_err("nobody issued it");
    assert!(error.is_unauthenticated());
    assert_eq!(tenant.requests().len(), 1, "there is no other token to try");
}

#[tokio::test]
async fn a_clock_that_is_wrong_is_corrected_once() {
    for seconds in [-86_400, -600, 600, 86_400] {
        let tenant = Tenant::start(|b| b).await;
        tenant.skew_server(seconds);
        let c1 = build(tenant.credentials());
        call(&c1).await.expect("by the server's clock");
        assert_eq!(tenant.token_requests(), 2, "{seconds}");
        // What was learned is kept.
        tenant.revoke_tokens();
        call(&c1).await.expect("by the server's clock");
        assert_eq!(tenant.token_requests(), 3, "{seconds}");
        // And unlearned when the clock is put right.
        tenant.skew_server(0);
        tenant.revoke_tokens();
        call(&c1).await.expect("by our clock again");
        assert_eq!(tenant.token_requests(), 5, "{seconds}");
    }
}

#[tokio::test]
async fn a_clock_that_is_not_to_blame_is_still_reported() {
    let tenant = Tenant::start(|b| b).await;
    tenant.skew_server(600);
    let other = ClientSecret::from_seed([7; 32]);
    let c1 = build(
        tenant
            .builder()
            .client_credentials(tenant.client_id(), other.expose().as_str()),
    );
    let error = call(&c1).await.expect_err("another key");
    assert_eq!(tenant.token_requests(), 2);
    assert!(
        error
            .message()
            .ends_with("this machine's clock is 600 s behind the server's"),
        "{error}"
    );
    match TokenError::of(&error) {
        Some(TokenError::Refused {
            clock_skew_seconds, ..
        }) => assert_eq!(*clock_skew_seconds, Some(600)),
        other => panic!("{other:?}"),
    }
}

fn keys() -> Vec<DpopKey> {
    vec![
        DpopKey::generate().expect("a key"),
        #[cfg(feature = "es256")]
        DpopKey::generate_es256().expect("a key"),
    ]
}

#[tokio::test]
async fn dpop_binds_tokens_and_proves_every_request() {
    for key in keys() {
        let tenant = Tenant::start(|b| b.require_dpop(true)).await;
        let c1 = build(tenant.credentials().dpop(key.clone()));
        call(&c1).await.expect("an answer");
        // A body, a query, an escaped path.
        c1.apps().list().page_size(5).await.expect("an answer");
        c1.apps()
            .create(CreateAppRequest::new("Bound"))
            .await
            .expect("an answer");
        let missing = c1.apps().get("a b").await.expect_err("no such app");
        assert!(missing.is_not_found(), "{missing}");
        assert_eq!(tenant.token_requests(), 1);

        let plain = build(tenant.credentials());
        let error = call(&plain).await.expect_err("no proof");
        assert_eq!(refusal(&error), "invalid_dpop_proof");
    }
}

#[tokio::test]
async fn dpop_nonces_of_both_servers_are_learned_and_kept() {
    for key in keys() {
        let tenant = Tenant::start(|b| b.dpop_nonces(true)).await;
        let c1 = build(tenant.credentials().dpop(key));
        call(&c1).await.expect("an answer");
        assert_eq!(
            tenant.token_requests(),
            2,
            "once without and once with a nonce"
        );
        assert_eq!(tenant.requests().len(), 2, "here as well");
        call(&c1).await.expect("an answer");
        assert_eq!(tenant.requests().len(), 3, "it is known now");
        tenant.rotate_dpop_nonces();
        call_at_once(&c1, 50).await;
        assert_eq!(tenant.token_requests(), 2, "the token is as good as before");
        tenant.revoke_tokens();
        call(&c1).await.expect("an answer");
        assert_eq!(tenant.token_requests(), 4);
    }
}

#[tokio::test]
async fn dpop_follows_the_servers_clock() {
    let tenant = Tenant::start(|b| b.require_dpop(true)).await;
    tenant.skew_server(-900);
    let c1 = build(
        tenant
            .credentials()
            .dpop(DpopKey::generate().expect("a key")),
    );
    call(&c1).await.expect("by the server's clock");
    assert_eq!(tenant.token_requests(), 2);
    assert_eq!(tenant.requests().len(), 1);
}

#[cfg(feature = "personal_client")]
#[tokio::test]
async fn a_login_leaves_a_personal_client_behind() {
    use c1_api_ext::c1_api::types::PersonalClientServiceCreateRequest;
    use c1_api_ext::create_personal_client;

    let tenant = Tenant::start(|b| b).await;
    let login = DeviceLogin::new(tenant.endpoint(), "some-cli");
    let waiting = login.start().await.expect("a code");
    assert!(tenant.approve_device(waiting.user_code()));
    let token = waiting.wait().await.expect("a token");
    let c1 = build(tenant.builder().access_token(token));
    let request = PersonalClientServiceCreateRequest::new()
        .display_name("laptop")
        .expires(c1_api_ext::c1_api::chrono::TimeDelta::hours(1))
        .allow_source_cidr(vec!["127.0.0.0/8".to_owned()]);
    let made = create_personal_client(&c1, request).await.expect("made");
    assert_eq!(made.client.display_name.as_deref(), Some("laptop"));

    let kept = build(
        tenant
            .builder()
            .client_credentials(made.client_id, made.client_secret),
    );
    call(&kept).await.expect("an answer");
    tenant.clock().advance(Duration::from_secs(7300));
    let error = call(&kept).await.expect_err("it has expired");
    assert_eq!(refusal(&error), "invalid_client");
}

/// The OAuth error behind a failed call.
fn refusal(error: &Error) -> String {
    match TokenError::of(error) {
        Some(TokenError::Refused { error, .. }) => error.clone(),
        other => panic!("{error}: {other:?}"),
    }
}
