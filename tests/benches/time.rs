//! How long a token out of the cache takes, alone and among others, and what authorization adds to a call.

#![allow(
    clippy::expect_used,
    reason = "a benchmark that cannot begin is to say so"
)]

use std::hint::black_box;
use std::sync::Arc;
use std::time::Instant;

use c1_benches::{APP, Fixed, cache, call, client, get, list, page, request, transport};
use criterion::{BatchSize, Criterion, Throughput, criterion_group, criterion_main};
use tokio::runtime::Runtime;
use tokio::task::JoinSet;

const TASKS: u64 = 8;

fn token(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("token");
    let alone = cache();
    group.bench_function("alone", |bench| bench.iter(|| black_box(get(&alone))));

    // The time is that of one token for each task.
    let shared = Arc::new(cache());
    let runtime = Runtime::new().expect("a runtime");
    group.throughput(Throughput::Elements(TASKS));
    group.bench_function("contended by 8 tasks", |bench| {
        bench.iter_custom(|iterations| {
            runtime.block_on(async {
                let mut tasks = JoinSet::new();
                let start = Instant::now();
                for _ in 0..TASKS {
                    let cache = shared.clone();
                    tasks.spawn(async move {
                        for _ in 0..iterations {
                            black_box(cache.get().await.expect("one"));
                        }
                    });
                }
                tasks.join_all().await;
                start.elapsed()
            })
        });
    });
}

fn calls(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("call");
    let fixed = Fixed::with_token();
    group.bench_function("with a header that never changes", |bench| {
        bench.iter_batched(
            request,
            |request| call(&fixed, request),
            BatchSize::SmallInput,
        );
    });
    let authorized = transport();
    group.bench_function("authorized", |bench| {
        bench.iter_batched(
            request,
            |request| call(&authorized, request),
            BatchSize::SmallInput,
        );
    });
}

/// The page is copied, which takes a few percent of the time.
fn decoding(criterion: &mut Criterion) {
    let mut group = criterion.benchmark_group("response");
    for (name, element) in [("apps", APP), ("empty apps", "{}")] {
        let page = page(element, 64 * 1024);
        group.throughput(Throughput::Bytes(page.len() as u64));
        let client = client(page);
        group.bench_function(name, |bench| bench.iter(|| list(&client).expect("a page")));
    }
}

criterion_group!(all, token, calls, decoding);
criterion_main!(all);
