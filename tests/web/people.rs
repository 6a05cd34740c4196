//! The people page: who works when, load and holes, and what would be.

use crate::front::fronts;
use duly::desk::Unverified;

#[tokio::test]
async fn people_their_day_load_and_holes_stand_on_one_page() {
    for front in fronts(Unverified::Schedule).await {
        front.mail("priya@northwind.example", "Replica lag", "It lags.").await;
        let page = front.page("/people").await;
        assert_eq!(page.status, 200, "{}: {}", front.name, page.body);
        let text = page.text();
        for words in [
            "People",
            "Anna",
            "on duty",
            "Load",
            "all lanes",
            "Holes",
            "What if",
            "Day as a table",
        ] {
            assert!(text.contains(words), "{}: {words} is not in {text}", front.name);
        }
        assert!(page.body.contains("aria-current=\"page\"") && page.body.contains("<title id=\"db-title\">"));
        assert!(page.body.len() < 30_000, "{} bytes", page.body.len());
        assert!(front.page("/").await.body.contains("href=\"/people\""));
    }
}

#[tokio::test]
async fn a_thought_has_an_address_and_an_answer() {
    for front in fronts(Unverified::Schedule).await {
        let case = front.mail("priya@northwind.example", "Replica lag", "It lags.").await;
        for asked in [
            "/people?add=fault".to_owned(),
            "/people?away=anna@acme.example&until=%2B3d".to_owned(),
            format!("/people?case={case}&to=%2B9d"),
        ] {
            let text = front.page(&asked).await.text();
            assert!(
                text.contains("A new normal case could be promised by") && text.contains("Nothing was changed."),
                "{asked}: {text}"
            );
        }
        for wrong in [
            "/people?away=%3Cb%3Enobody&until=fri",
            "/people?case=x&to=fri",
            "/people?case=1&to=when%20it%20suits",
        ] {
            let page = front.page(wrong).await;
            assert!(
                page.status == 200 && page.text().contains("Refused."),
                "{wrong}: {}",
                page.text()
            );
            assert!(!page.body.contains("<b>nobody"), "{wrong}");
        }
        assert!(!front.page("/people").await.text().contains("Nothing was changed."));
    }
}
