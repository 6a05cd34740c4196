//! The same question finds the same messages in both databases.

use super::kit::databases::{TestDatabase, databases};
use duly::limits;
use duly::refusal::Kind;
use duly::store::{SEARCH, Store};
use proptest::prelude::*;

fn indexed(database: &TestDatabase, texts: &[&str]) -> Store {
    let store = database.open(&[SEARCH]);
    let texts: Vec<String> = texts.iter().map(ToString::to_string).collect();
    store
        .write(move |tx| {
            (1..)
                .zip(&texts)
                .try_for_each(|(message, text)| tx.index_text(message, text))
        })
        .expect("indexed");
    store
}

fn found(store: &Store, query: &str) -> Vec<i64> {
    store
        .read(|tx| tx.find_text(query, None, 100))
        .unwrap_or_else(|cause| panic!("{query}: {cause}"))
}

#[test]
fn words_codes_and_phrases_are_found_newest_first() {
    let texts = [
        "ORA-00600: internal error code, arguments: [kcbz]",
        "the disk is full, error foo_bar at 0x1F",
        "Der Datenträger ist voll. Fehler 1.5e-3 in /var/lib/Foo",
        "日本語のエラー: ディスクがいっぱいです",
        "full disk; see https://example.org/a?b=c and mail ann@example.org",
        "café über naïve",
    ];
    for database in databases() {
        let store = indexed(&database, &texts);
        for (query, hits) in [
            ("error", &[2, 1][..]),
            ("ora-00600", &[1]),
            ("00600 ORA", &[1]),
            ("ORA-00601", &[]),
            ("foo_bar", &[2]),
            ("0x1f", &[2]),
            ("\"disk is full\"", &[2]),
            ("\"disk full\"", &[]),
            ("\"full disk\"", &[5]),
            ("full disk", &[5, 2]),
            ("1.5e-3", &[3]),
            ("datentrager", &[3]),
            ("DATENTRÄGER", &[3]),
            ("ディスク", &[4]),
            ("日", &[4]),
            ("語", &[4]),
            ("本語", &[4]),
            ("語本", &[]),
            ("ann@example.org", &[5]),
            ("https://example.org/a?b=c", &[5]),
            ("cafe \u{dc}ber", &[6]),
            ("/var/lib", &[3]),
            ("_", &[]),
            ("", &[]),
        ] {
            assert_eq!(found(&store, query), hits, "{}: {query}", database.name);
        }
        assert_eq!(
            store.read(|tx| tx.find_text("disk", Some(5), 10)).unwrap(),
            [2],
            "{}",
            database.name
        );
        assert_eq!(
            store.read(|tx| tx.find_text("error", None, 1)).unwrap(),
            [2],
            "{}",
            database.name
        );
        store.write(|tx| tx.index_text(1, "something else")).unwrap();
        assert_eq!(
            (found(&store, "ora"), found(&store, "else")),
            (vec![], vec![1]),
            "{}",
            database.name
        );
    }
}

#[test]
fn hostile_questions_are_only_words() {
    for database in databases() {
        let store = indexed(&database, &["or not near and"]);
        for query in [
            "' OR 1=1 --",
            "\"",
            "a* NEAR(b)",
            "words:x",
            "^a",
            "{",
            "a & !b | c <-> d:*",
            "'\\'",
            "\0",
            "''::tsquery",
        ] {
            let _ = found(&store, query);
        }
        assert_eq!(found(&store, "NOT or"), [1], "{}", database.name);
        for long in [
            "x".repeat(limits::QUERY_BYTES + 1),
            "a ".repeat(limits::QUERY_TERMS + 1),
        ] {
            let refused = store.read(|tx| tx.find_text(&long, None, 10)).unwrap_err();
            assert_eq!(refused.refusal().kind, Kind::Usage, "{}", database.name);
        }
    }
}

#[test]
fn long_and_repetitive_messages_are_indexed_within_the_bounds() {
    let repeated = format!("{} needle {}", "hay ".repeat(400), "straw ".repeat(20_000));
    let varied: String = (0..40_000).map(|number| format!("w{number} ")).collect();
    let texts = [
        repeated.as_str(),
        varied.as_str(),
        &"日本".repeat(50_000),
        &"\u{fdfa}".repeat(50_000),
        &"y".repeat(200_000),
    ];
    for database in databases() {
        let store = indexed(&database, &texts);
        assert_eq!(found(&store, "needle"), [1], "{}", database.name);
        // The 401st "hay" is not indexed, and nobody is moved up into its place.
        assert_eq!(found(&store, "\"hay needle\""), [0; 0], "{}", database.name);
        assert_eq!(found(&store, "\"hay hay\""), [1], "{}", database.name);
        assert_eq!(found(&store, "w100"), [2], "{}", database.name);
        assert_eq!(found(&store, "w39999"), [0; 0], "{}", database.name);
        assert_eq!(found(&store, "日本日"), [3], "{}", database.name);
        assert_eq!(found(&store, &"y".repeat(300)), [5], "{}", database.name);
    }
}

#[test]
fn both_databases_find_the_same_in_any_text() {
    let databases = databases();
    let stores: Vec<_> = databases.iter().map(|database| database.open(&[SEARCH])).collect();
    let texts = prop::collection::vec("([ab日本é_0ก\u{301}가-]{0,4}[ \"*']){0,6}|\\PC{0,20}", 1..8);
    let queries = prop::collection::vec("[ab日本é_0ก가 \"-]{0,6}|\\PC{0,6}", 1..8);
    let mut runner = proptest::test_runner::TestRunner::new(ProptestConfig {
        cases: 64,
        failure_persistence: None,
        ..ProptestConfig::default()
    });
    runner
        .run(&(texts, queries), |(texts, mut queries)| {
            // What a message says, quoted, must find it.
            queries.extend(
                texts
                    .iter()
                    .map(|text| format!("\"{}\"", text.replace(['"', '“', '”', '„'], " "))),
            );
            let mut answers = Vec::new();
            for store in &stores {
                let (texts, queries) = (texts.clone(), queries.clone());
                let answer = store.write(move |tx| {
                    tx.execute("DELETE FROM message_words", &[])?;
                    for (message, text) in (1..).zip(&texts) {
                        tx.index_text(message, text)?;
                    }
                    queries
                        .iter()
                        .map(|query| tx.find_text(query, None, 100))
                        .collect::<Result<Vec<_>, _>>()
                });
                answers.push(answer.unwrap());
            }
            for answer in &answers {
                prop_assert_eq!(answer, &answers[0], "{:?}", queries);
            }
            for (message, hits) in (1_i64..).zip(&answers[0][queries.len() - texts.len()..]) {
                let text = &texts[usize::try_from(message - 1).unwrap()];
                let has_words =
                    text.contains(|letter: char| letter.is_ascii_alphanumeric() || "日本가ก".contains(letter));
                prop_assert!(!has_words || hits.contains(&message), "{text:?} does not find itself");
            }
            Ok(())
        })
        .unwrap_or_else(|cause| panic!("{cause}"));
}
