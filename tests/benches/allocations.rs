//! How often a call allocates: what every call pays and no profile of a network client would show.

use alloc_tracker::{Allocator, ReportOperation, Session};
use c1_api_ext::ErrorKind;
use c1_benches::{Fixed, cache, call, client, get, list, page, request, transport};

#[global_allocator]
static ALLOCATOR: Allocator<std::alloc::System> = Allocator::system();

/// So many of each, all of which must be alike.
const TIMES: u64 = 100;

/// The allocations of one `work`, of which `prepare` is no part.
fn allocations<T, R>(prepare: impl Fn() -> T, work: impl Fn(T) -> R) -> u64 {
    // The first time is another: some memory is shared from then on.
    drop(work(prepare()));
    let session = Session::new();
    let operation = session.operation("work");
    for _ in 0..TIMES {
        let prepared = prepare();
        let result = {
            let _span = operation.measure_thread();
            work(prepared)
        };
        drop(result);
    }
    // An operation tells its session when it is dropped.
    drop(operation);
    let report = session.to_report();
    let each = report.operations().map(|(_, operation)| operation);
    let total: u64 = each.map(ReportOperation::total_allocations_count).sum();
    assert_eq!(total % TIMES, 0, "{total} in {TIMES}");
    total / TIMES
}

/// Two or three bytes of a response can stand for hundreds in memory.
#[test]
fn what_a_response_may_allocate() {
    const MIB: u64 = 1024 * 1024;
    for element in ["{}", r#"{"displayName":"\u0041"}"#, r#"{"appOwners":[{}]}"#] {
        let body = page(element, 8 * 1024 * 1024);
        let len = u64::try_from(body.len()).expect("a length");
        let client = client(body);
        let session = Session::new();
        let operation = session.operation("work");
        let outcome = {
            let _span = operation.measure_thread();
            list(&client)
        };
        drop(operation);
        let report = session.to_report();
        let each = report.operations().map(|(_, operation)| operation);
        let allocated: u64 = each.map(ReportOperation::total_bytes_allocated).sum();
        println!("{element}: {} MiB for {} MiB", allocated / MIB, len / MIB);
        assert_eq!(
            outcome.map_err(|error| error.kind()),
            Err(ErrorKind::TooLarge)
        );
        // Beside the body: a list that grows is allocated anew, with twice the room each time.
        let allowed = 32 * MIB + 16 * len;
        assert!(allocated < len + 2 * allowed, "{allocated} bytes for {len}");
    }
}

#[test]
fn what_a_call_allocates() {
    assert_eq!(
        allocations(|| 3, |size| vec![0; size]),
        1,
        "they are counted"
    );

    let cache = cache();
    let token = allocations(|| (), |()| get(&cache));
    let authorized = transport();
    let fixed = Fixed::with_token();
    let least = allocations(request, |request| call(&fixed, request));
    let call = allocations(request, |request| call(&authorized, request));
    println!("a token at hand: {token} allocations");
    println!("a call: {call} allocations, {least} where the header never changes");
    assert_eq!(token, 0);
    // One for the future, and four of reqwest's for the copy that a second try needs.
    assert!(call <= least + 5, "{call} against {least}");
}
