//! What is on the window once the bridge has set it, drawn without a display.

use std::sync::mpsc;

use greengate::symbol;
use i_slint_backend_testing::{ElementHandle, init_no_event_loop};

use super::*;

fn words(zh: &str, en: &str) -> language::Words {
    language::Words::new(zh, en)
}

fn presentation(tone: Verdict) -> Presentation {
    Presentation {
        tone,
        code: Some("E01"),
        reason: words("纸质码", "Paper code"),
        advice: words("核对", "Compare"),
        subject: Some(Subject { name: "张**".to_owned(), id_tail: "002X".to_owned() }),
        issuer: Some(words("北京", "Beijing")),
        kind: Some(Kind::Paper),
        lines: vec![presentation::Line {
            topic: presentation::Topic::Origin,
            tone: presentation::LineTone::Plain,
            words: words("由湖北健康码转换", "Converted from Hubei"),
        }],
        rule: Some("CN-R2 · 1".to_owned()),
    }
}

fn result(tone: Verdict) -> Update {
    let check = ExplainedCheck {
        outcome: Outcome::Good,
        name: words("数字签名", "Signature"),
        saw: words("签发方 11", "issuer 11"),
    };
    Update::Result(presentation(tone), vec![check])
}

fn window(requests: &Sender<Request>) -> AppWindow {
    init_no_event_loop();
    let window = AppWindow::new().unwrap();
    connect(&window, requests);
    apply(&window, Update::Group(None));
    apply(&window, Update::Explaining(false));
    window
}

fn touch(window: &AppWindow, label: &str) {
    let mut found = ElementHandle::find_by_accessible_label(window, label);
    found.next().expect(label).invoke_accessible_default_action();
}

fn shown(window: &AppWindow, label: &str) -> usize {
    ElementHandle::find_by_accessible_label(window, label).count()
}

#[test]
fn each_verdict_has_its_words_in_both_languages() {
    let window = window(&mpsc::channel().0);
    let cases = [
        (Verdict::Pass, "PASS", "通过"),
        (Verdict::CheckId, "CHECK ID", "核对证件"),
        (Verdict::Refer, "TO DESK", "人工核验"),
        (Verdict::Deny, "STOP", "不予通行"),
        (Verdict::Retry, "SHOW AGAIN", "请重新出示"),
    ];
    for (verdict, english, chinese) in cases {
        apply(&window, result(verdict));
        for language in [Language::English, Language::Chinese] {
            speak(&window, language);
            for word in [english, chinese] {
                assert_eq!(shown(&window, word), 1, "{verdict:?} in {language:?}: {word}");
            }
        }
    }
}

#[test]
fn staff_see_what_to_compare_and_confirm_it() {
    let (requests, received) = mpsc::channel();
    let window = window(&requests);
    speak(&window, Language::English);
    apply(&window, result(Verdict::CheckId));
    let labels =
        ["Paper code", "张**", "002X", "Beijing", "E01", "Converted from Hubei", "CN-R2 · 1"];
    for label in labels {
        assert_eq!(shown(&window, label), 1, "{label}");
    }
    touch(&window, "ID agrees: let pass");
    assert_eq!(received.try_recv(), Ok(Request::Acknowledge));
}

#[test]
fn a_hint_says_how_in_both_languages_until_the_next_result() {
    let window = window(&mpsc::channel().0);
    let cases = [
        (Some(symbol::Hint::TooFar), "Hold it nearer", "请靠近一点"),
        (Some(symbol::Hint::Glare), "Tilt it a little", "请避开反光"),
        (None, "Hold it still", "请拿稳不动"),
    ];
    for (hint, english, chinese) in cases {
        apply(&window, Update::Hint(HintWords::of(hint)));
        speak(&window, Language::English);
        assert_eq!(shown(&window, english), 1, "{hint:?}");
        speak(&window, Language::Chinese);
        assert_eq!(shown(&window, chinese), 1, "{hint:?}");
    }
    apply(&window, result(Verdict::Pass));
    assert_eq!(window.global::<Bridge<'_>>().get_hint(), Hint::default());
    apply(&window, Update::Camera);
    assert_eq!(shown(&window, "请拿稳不动"), 0);
}

#[test]
fn a_result_that_is_over_leaves_nothing_behind() {
    let window = window(&mpsc::channel().0);
    apply(&window, result(Verdict::CheckId));
    apply(&window, Update::Camera);
    assert_eq!(window.global::<Bridge<'_>>().get_card(), ResultCard::default());
    for label in ["张**", "002X"] {
        assert_eq!(shown(&window, label), 0, "{label}");
    }
}

#[test]
fn staff_ask_why_and_the_public_does_not() {
    let (requests, received) = mpsc::channel();
    let window = window(&requests);
    speak(&window, Language::English);
    apply(&window, result(Verdict::Deny));
    assert_eq!(shown(&window, "Signature"), 0);
    touch(&window, "Why?");
    assert_eq!(received.try_recv(), Ok(Request::Explain));
    apply(&window, Update::Explaining(true));
    for label in ["What each check saw", "Signature", "issuer 11"] {
        assert_eq!(shown(&window, label), 1, "{label}");
    }
    touch(&window, "Close");
    assert_eq!(received.try_recv(), Ok(Request::CloseExplanation));
    // The next result does not come up behind the checks of the last.
    apply(&window, Update::Result(presentation(Verdict::Pass), Vec::new()));
    for label in ["What each check saw", "Why?"] {
        assert_eq!(shown(&window, label), 0, "{label}");
    }
}

#[test]
fn a_group_is_begun_counted_and_ended() {
    let (requests, received) = mpsc::channel();
    let window = window(&requests);
    speak(&window, Language::English);
    apply(&window, Update::Camera);
    let begin = "Several people: begin a group";
    apply(&window, Update::Audience(presentation::Audience::Public));
    assert_eq!(shown(&window, begin), 0, "the public begins none");
    apply(&window, Update::Audience(presentation::Audience::Staff));
    touch(&window, begin);
    assert_eq!(received.try_recv(), Ok(Request::BeginOrEndGroup));
    let tally = words("2/3 已通过", "2/3 passed, 1 to the desk");
    apply(&window, Update::Group(Some(tally)));
    assert_eq!(shown(&window, begin), 0);
    apply(&window, result(Verdict::Refer));
    assert_eq!(shown(&window, "2/3 passed, 1 to the desk"), 1);
    touch(&window, "End group");
    assert_eq!(received.try_recv(), Ok(Request::BeginOrEndGroup));
    apply(&window, Update::Group(None));
    assert_eq!(shown(&window, "End group"), 0);
}

#[test]
fn what_is_being_fetched_is_said_in_place_of_the_network() {
    let window = window(&mpsc::channel().0);
    apply(&window, Update::Camera);
    let status = |updating, updated| Status { updating, updated, ..Default::default() };
    for (language, text) in [(Language::English, "Updating 43%"), (Language::Chinese, "更新 43%")]
    {
        speak(&window, language);
        window.global::<Bridge<'_>>().set_status(status(true, 43));
        assert_eq!(shown(&window, text), 1, "{text}");
        window.global::<Bridge<'_>>().set_status(status(false, 0));
        assert_eq!(shown(&window, text), 0, "{text}");
    }
}

#[test]
fn a_missing_scanner_is_said_on_every_screen() {
    let window = window(&mpsc::channel().0);
    let scanner = Words { zh: "扫码器未连接".into(), en: "Scanner not plugged in".into() };
    window.global::<Bridge<'_>>().set_status(Status { scanner, ..Default::default() });
    for update in [Update::Camera, result(Verdict::Pass), Update::OutOfService] {
        apply(&window, update);
        for (language, text) in
            [(Language::English, "Scanner not plugged in"), (Language::Chinese, "扫码器未连接")]
        {
            speak(&window, language);
            assert_eq!(shown(&window, text), 1, "{text}");
        }
    }
    window.global::<Bridge<'_>>().set_status(Status::default());
    assert_eq!(shown(&window, "扫码器未连接"), 0);
}

#[test]
fn a_missing_camera_is_said_with_its_cause() {
    let window = window(&mpsc::channel().0);
    speak(&window, Language::English);
    apply(&window, Update::NoCamera(words("被占用", "camera is in use")));
    assert_eq!(shown(&window, "No camera"), 1);
    assert_eq!(shown(&window, "Cause: camera is in use"), 1);
    speak(&window, Language::Chinese);
    assert_eq!(shown(&window, "摄像头不可用"), 1);
    apply(&window, Update::OutOfService);
    assert_eq!(shown(&window, "暂停服务"), 1);
}
