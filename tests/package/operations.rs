//! Calls an emulated tenant by every operation of spec/tests/operations.yaml, from which package.sh has the crates built, and
//! compares what arrived with what the document says.

use c1_api_emulator::Emulator;
use c1_api_ext::c1_api::Safety;
use c1_api_ext::c1_api::chrono::{DateTime, TimeDelta, Utc};
use c1_api_ext::c1_api::search::ByNamePath;
use c1_api_ext::types::{Report, State};
use c1_api_ext::{C1, ErrorKind, UnsentRequest};

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Box<dyn std::error::Error>> {
    let operations = c1_api_emulator::description()?.operations.len();
    // Samples: what is read here need not have been created.
    let emulator = Emulator::builder().stateful(false).start().await?;
    let c1 = C1::builder()
        .client_credentials(emulator.client_id(), emulator.client_secret())
        .tenant(emulator.base_url())
        .build()?;
    let seen = || emulator.requests().pop().expect("a request");
    let report = || Report::new().name("a");
    let since: DateTime<Utc> = "2026-01-31T12:00:00Z".parse()?;

    // Responses.
    let reports = c1.reports();
    let list: Vec<Report> = reports.list().await?;
    assert!(!list.is_empty());
    let created = reports.create(report()).send().await?;
    assert_eq!(created.status().as_u16(), 201);
    assert!(created.into_inner().name.is_some());
    reports.replace([report(), report()]).await?;
    assert_eq!(seen().body.expect("a body")[1]["name"], "a");
    let deleted = reports.delete("a/b").send().await?;
    assert_eq!(deleted.status().as_u16(), 204);
    let () = deleted.into_inner();
    assert_eq!(seen().path["id"], "a/b");
    reports.update("a", report()).await?;
    assert!(seen().headers.contains(&(
        "content-type".to_owned(),
        "application/merge-patch+json".to_owned()
    )));

    // Bytes, as a whole and by parts, and what is within a segment of the path.
    let table = reports.download("a.csv:b").send().await?;
    assert_eq!(table.headers()["content-type"], "text/csv");
    assert_eq!(table.into_inner().bytes().await?, b"a sample\n");
    assert_eq!(seen().path["id"], "a.csv:b");
    assert!(
        seen()
            .headers
            .contains(&("accept".to_owned(), "text/csv".to_owned()))
    );
    let mut body = reports.download("a").await?;
    assert_eq!(body.chunk().await?.expect("a part"), b"a sample\n");
    assert_eq!(body.chunk().await?, None);
    let error = reports.download("..").await.expect_err("no segment");
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    let labels = reports.upload("a:b", "a,b\n").await?;
    assert!(!labels.is_empty());
    assert_eq!(seen().template, "/v1/reports/{id}:upload");
    reports.range(since, 7).await?;
    assert_eq!(seen().path["from"], "2026-01-31T12:00:00Z");
    let limited = C1::builder()
        .client_credentials(emulator.client_id(), emulator.client_secret())
        .tenant(emulator.base_url())
        .max_response_bytes(8)
        .build()?;
    let body = limited.reports().download("a").await?;
    assert_eq!(
        body.bytes().await.expect_err("too long").kind(),
        ErrorKind::TooLarge
    );

    // Parameters.
    #[allow(deprecated, reason = "the document says so of the parameter")]
    let everywhere = c1.search().everywhere("a&b", "r-1").old(true);
    everywhere
        .tags(["x y", "z,"])
        .ids(["1,2", "3"])
        .words(["a", "b c"])
        .since(since)
        .within(TimeDelta::milliseconds(1500))
        .states([State::On, State::Off])
        .if_match(["\"v1\"", "\"v2\""])
        .await?;
    let request = seen();
    let query: Vec<_> = request
        .query
        .iter()
        .map(|(name, value)| format!("{name}={value}"))
        .collect();
    assert_eq!(
        query,
        [
            "tags=x y",
            "tags=z,",
            "query=a&b",
            "ids=1,2,3",
            "words=a|b c",
            "since=2026-01-31T12:00:00Z",
            "within=1.500s",
            "states=STATE_ON",
            "states=STATE_OFF",
            "old=true",
        ]
    );
    for header in [("x-request-id", "r-1"), ("if-match", "\"v1\",\"v2\"")] {
        let (name, value) = header;
        assert!(
            request
                .headers
                .contains(&(name.to_owned(), value.to_owned())),
            "{name}"
        );
    }
    let error = c1
        .search()
        .everywhere("a", "r")
        .words(["a|b"])
        .await
        .expect_err("ambiguous");
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    let error = c1
        .search()
        .everywhere("a", "\n")
        .await
        .expect_err("no header");
    assert_eq!(error.kind(), ErrorKind::InvalidRequest);
    let path = ByNamePath {
        query: "q",
        ids: "i",
        body: "b",
    };
    c1.search()
        .by_name(path, report())
        .query_header("h")
        .await?;
    assert_eq!(seen().query, [("body".to_owned(), "b".to_owned())]);

    // Names that the document does not give.
    c1.widgets().list().await?;
    c1.widgets().create().await?;
    c1.widgets().get("a").await?;
    c1.widgets().delete("a").await?;
    c1.gadgets().spin("a").await?;
    c1.gadgets().list().await?;

    // The guards of a client hold here, too.
    let error = c1
        .dry_run()
        .reports()
        .create(report())
        .await
        .expect_err("a dry run");
    let unsent = UnsentRequest::of(&error).expect("the request");
    assert_eq!(unsent.body.as_ref().expect("a body")["name"], "a");
    assert!(c1.dry_run().reports().list().await.is_ok());
    assert_eq!(
        c1_api_ext::c1_api::reports::Delete::OPERATION.safety,
        Safety::Idempotent
    );

    let mut called: Vec<_> = emulator
        .requests()
        .into_iter()
        .map(|request| request.operation)
        .collect();
    called.sort();
    called.dedup();
    assert_eq!(called.len(), operations, "{called:?}");
    println!("called {operations} operations");
    Ok(())
}
