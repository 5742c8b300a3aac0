//! Grants by app and risk level: a table on the standard output, and a chart as SVG.
//!
//! `risk_report FILE`, where FILE is the SVG to write.

use std::collections::BTreeMap;

use c1_api_ext::types::{AppEntitlementSearchServiceSearchGrantsRequest, AttributeValue};
use c1_examples::{Outcome, Tenant};
use futures_util::TryStreamExt as _;
use plotters::prelude::*;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Outcome<()> {
    let tenant = Tenant::connect().await?;
    let (c1, file) = (&tenant.c1, tenant.argument(1, "FILE", "risks.svg")?);
    let levels: BTreeMap<_, _> = c1
        .attributes()
        .list_risk_levels()
        .items()
        .map_ok(|level: AttributeValue| (level.id, level.value.unwrap_or_default()))
        .try_collect()
        .await?;
    let apps: BTreeMap<_, _> = c1
        .apps()
        .list()
        .items()
        .map_ok(|app| (app.id, app.display_name.unwrap_or_default()))
        .try_collect()
        .await?;

    let mut counts: BTreeMap<(String, String), u32> = BTreeMap::new();
    let mut grants = c1
        .app_entitlement_search()
        .search_grants(AppEntitlementSearchServiceSearchGrantsRequest::new())
        .items();
    while let Some(row) = grants.try_next().await? {
        let entitlement = row.entitlement.and_then(|view| view.app_entitlement);
        let entitlement = entitlement.unwrap_or_default();
        let name = |of: &BTreeMap<Option<String>, String>, id, none: &str| {
            of.get(id).cloned().unwrap_or_else(|| none.to_owned())
        };
        let app = name(&apps, &entitlement.app_id, "Unknown");
        let risk = name(&levels, &entitlement.risk_level_value_id, "None");
        *counts.entry((app, risk)).or_default() += 1;
    }

    for ((app, risk), count) in &counts {
        println!("{app:<12} {risk:<8} {count:>4}");
    }
    draw(&counts, &file)?;
    println!("The chart is in {file}.");
    Ok(())
}

/// A bar for each app and risk level.
fn draw(counts: &BTreeMap<(String, String), u32>, file: &str) -> Outcome<()> {
    let bars: Vec<_> = counts.iter().collect();
    let highest = counts.values().max().copied().unwrap_or_default();
    let area = SVGBackend::new(file, (900, 480)).into_drawing_area();
    area.fill(&WHITE)?;
    let mut chart = ChartBuilder::on(&area)
        .caption("Grants by app and risk level", ("sans-serif", 24))
        .margin(16)
        .x_label_area_size(48)
        .y_label_area_size(48)
        .build_cartesian_2d((0..bars.len()).into_segmented(), 0..highest + 1)?;
    chart
        .configure_mesh()
        .disable_x_mesh()
        .y_desc("grants")
        .x_labels(bars.len())
        .x_label_formatter(&|at| match at {
            SegmentValue::CenterOf(at) => bars
                .get(*at)
                .map_or_else(String::new, |((app, risk), _)| format!("{app} {risk}")),
            _ => String::new(),
        })
        .draw()?;
    let histogram = Histogram::vertical(&chart)
        .margin(12)
        .style(BLUE.mix(0.6).filled());
    let counts = bars
        .iter()
        .enumerate()
        .map(|(at, (_, count))| (at, **count));
    chart.draw_series(histogram.data(counts))?;
    area.present()?;
    Ok(())
}
