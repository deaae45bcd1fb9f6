// Calls through a real Session: what is told, what is answered, what is refused, and what comes again after a crash.
#include "sessions/calls/calls.h"

#include <catch2/catch.hpp>

#include "protocol/calls/call.h"
#include "tests/sessions/people_stanzas.h"

using namespace wharf;
using namespace wharf::test;
using events::CallChanged;
using protocol::CallAccepted;
using protocol::CallEnded;
using protocol::CallHead;
using protocol::CallOffered;
using protocol::CallRejected;

namespace {

using Lines = std::vector<std::string>;
constexpr std::uint64_t now_s = 1'700'000'000;

/// A call of Ann from her phone.
CallHead head(std::string id = "C1") {
  CallHead call;
  call.call_id = std::move(id);
  call.chat = call.creator = ann;
  call.creator_pn = ann_number;
  call.at = now_s;
  return call;
}
CallOffered offer(std::string id = "C1") {
  CallOffered out;
  out.call = head(std::move(id));
  out.video = true;
  return out;
}
CallEnded end(std::string reason = {}) {
  CallEnded out;
  out.call = head();
  out.reason = std::move(reason);
  return out;
}

struct Called : PeopleFixture {
  explicit Called(CallPolicy policy = {}) : PeopleFixture(true) { session->context().config.calls = std::move(policy); }
  Node stanza_of(const protocol::CallEvent& event) {
    return protocol::call_stanza("s-" + std::to_string(++number), event);
  }
  std::vector<Node> ring(const protocol::CallEvent& event) { return hear(stanza_of(event)); }
  Lines states() {
    Lines out;
    for (const CallChanged& one : told_of<CallChanged>()) out.push_back(one.state);
    return out;
  }
  Lines texts() {
    Lines out;
    for (const auto& one : told_of<events::NewMessage>())
      if (one.message.from_me) out.push_back(one.message.body);
    return out;
  }
  /// The process ends and starts again.
  void restart(CallPolicy policy = {}) {
    reopen();
    begin();
    go_online();
    session->context().config.calls = std::move(policy);
  }
  int number = 0;
};

/// Of each stanza of a call what it is: "receipt offer", "ack offer_notice", "call reject".
Lines said(const std::vector<Node>& nodes) {
  Lines out;
  for (const Node& node : nodes) {
    if (node.is("ack")) out.push_back("ack " + node.attr("type"));
    if ((node.is("receipt") || node.is("call")) && !node.children().empty())
      out.push_back(node.tag + " " + node.children().front().tag);
  }
  return out;
}

const CallPolicy polite{true, "Please write."};
const Jid mia("200000000000009", "lid");

}  // namespace

TEST_CASE("a call that nobody answers rings and is missed, with both ids of who called") {
  Called f;
  CHECK(said(f.ring(offer())) == Lines{"receipt offer"});
  CHECK(said(f.ring(end("timeout"))) == Lines{"ack terminate"});
  const auto told = f.told_of<CallChanged>();
  REQUIRE(f.states() == Lines{"ringing", "missed"});
  for (const CallChanged& one : told) {
    CHECK(one.id == "C1");
    CHECK(one.chat == ann);
    CHECK(one.caller == ann);
    CHECK(one.caller_ids.pn == ann_number);  // as the call says
    CHECK(one.caller_ids.lid == ann);
    CHECK(one.chat_ids == one.caller_ids);
    CHECK(one.video);
    CHECK_FALSE(one.is_group);
    CHECK_FALSE(one.from_me);
    CHECK_FALSE(one.offline);
    CHECK(one.at == UnixMs{now_s} * 1'000);
  }
  CHECK(told[1].reason == "timeout");
}

TEST_CASE("how a call ends shows in its last state") {
  const auto last = [](const std::vector<protocol::CallEvent>& after) {
    Called f;
    f.ring(offer());
    for (const auto& event : after) f.ring(event);
    return f.states();
  };
  CallHead own = head();
  own.chat = self;
  CallEnded taken = end("accepted_elsewhere");
  CallEnded refused = end("rejected_elsewhere");
  CHECK(last({CallAccepted{own}, end()}) == Lines{"ringing", "acceptedElsewhere", "ended"});
  CHECK(last({taken}) == Lines{"ringing", "acceptedElsewhere"});
  CHECK(last({CallAccepted{own}, taken}) == Lines{"ringing", "acceptedElsewhere"});
  CHECK(last({refused}) == Lines{"ringing", "rejectedElsewhere"});
  CHECK(last({CallRejected{own, "", false}, end()}) == Lines{"ringing", "rejectedElsewhere"});
  CHECK(last({CallRejected{head(), "busy", true}, end()}) == Lines{"ringing", "missed"});
  CHECK(last({end(), end()}) == Lines{"ringing", "missed"});
}

TEST_CASE("a call that is offered again, or noticed too, is told once") {
  Called f;
  CallOffered notice = offer();
  notice.notice_only = true;
  CHECK(said(f.ring(notice)) == Lines{"ack offer_notice"});
  CHECK(said(f.ring(offer())) == Lines{"receipt offer"});
  CHECK(said(f.ring(offer())) == Lines{"receipt offer"});
  f.ring(end());
  f.ring(offer());  // behind its own end
  CHECK(f.states() == Lines{"ringing", "missed"});
  CHECK(f.ask(RejectCall{"C1"}).answer().error().code == Errc::not_found);
}

TEST_CASE("a call is told as late when nobody was here, and is not rejected any more") {
  Called f(polite);
  CallOffered late = offer();
  late.call.offline = true;
  CHECK(said(f.ring(late)) == Lines{"receipt offer"});
  CallEnded over = end("timeout");
  over.call.offline = true;
  f.ring(over);
  const auto told = f.told_of<CallChanged>();
  CHECK(f.states() == Lines{"ringing", "missed"});
  for (const CallChanged& one : told) CHECK(one.offline);
  CHECK(f.texts().empty());
}

TEST_CASE("nobody calls, is rejected or gets a text in the name of another") {
  Called f(polite);
  CallOffered forged = offer();
  forged.call.chat = mia;  // who sent it, though it says that Ann calls
  CHECK(said(f.ring(forged)) == Lines{"receipt offer"});
  CHECK(f.states().empty());
  CHECK(f.texts().empty());
  CHECK(f.ask(RejectCall{"C1"}).answer().error().code == Errc::not_found);
  // In a group one may call for another, and is who is told.
  forged.call.call_id = "C2";
  forged.call.group = crew;
  forged.is_group = true;
  CHECK(said(f.ring(forged)) == Lines{"receipt offer"});
  REQUIRE(f.states() == Lines{"ringing"});
  CHECK(f.told_of<CallChanged>()[0].caller == mia);
  CHECK(f.told_of<CallChanged>()[0].chat == crew);
  CHECK_FALSE(f.told_of<CallChanged>()[0].caller_ids.pn);  // the number is of another one's call
  CHECK(f.texts().empty());
}

TEST_CASE("a call between two is ended by them alone") {
  Called f;
  f.ring(offer());
  CallEnded over = end();
  over.call.chat = mia;
  f.ring(over);
  over.call.creator = mia;
  f.ring(over);
  over.call.group = crew;
  f.ring(over);
  CHECK(f.states() == Lines{"ringing"});
  CHECK(f.ask(RejectCall{"C1"}).answer().has_value());
}

TEST_CASE("a caller who is named by number and sends by LID is one person once both are known") {
  Called f(polite);
  CallOffered call = offer();
  call.call.creator = ann_number;
  call.call.creator_pn.reset();
  CHECK(said(f.ring(call)) == Lines{"receipt offer"});
  CHECK(f.states().empty());
  f.learn(ann_number, ann);
  CHECK(said(f.ring(call)) == Lines{"receipt offer", "call reject"});
  CHECK(f.states() == Lines{"ringing", "rejectedHere"});
}

TEST_CASE("the number that a call names is shown, not learnt, and never when it is somebody else's") {
  Called f;
  f.ring(offer());
  CHECK(f.told_of<CallChanged>()[0].caller_ids.pn == ann_number);
  CHECK(f.session->directory().canonical_user(ann_number) == ann_number);
  CHECK_FALSE(f.session->directory().person(ann).pn);
  f.learn(dan_number, Jid("200000000000008", "lid"));
  CallOffered claim = offer("C2");
  claim.call.creator_pn = dan_number;
  f.ring(claim);
  CHECK_FALSE(f.told_of<CallChanged>()[1].caller_ids.pn);
  CHECK_FALSE(f.told_of<CallChanged>()[1].chat_ids.pn);
}

TEST_CASE("an end of what never rang does not keep it from ringing and being rejected") {
  Called f(polite);
  Lines before;
  SECTION("it ended") {
    f.ring(end());
    before = {"ended"};
  }
  SECTION("somebody else took it") {
    f.ring(end("accepted_elsewhere"));
    before = {"acceptedElsewhere"};
  }
  SECTION("it was refused") {
    f.ring(CallRejected{head(), "", false});
    before = {"rejected"};
  }
  REQUIRE(f.states() == before);
  CHECK(said(f.ring(offer())) == Lines{"receipt offer", "call reject"});
  f.ring(end());
  before.insert(before.end(), {"ringing", "rejectedHere"});
  CHECK(f.states() == before);
  CHECK(f.texts() == Lines{"Please write."});
}

TEST_CASE("a call of a group is told in its group, and not rejected") {
  Called f(polite);
  CallOffered group = offer();
  group.call.chat = ann;
  group.call.group = crew;
  group.is_group = true;
  CHECK(said(f.ring(group)) == Lines{"receipt offer"});
  const auto told = f.told_of<CallChanged>();
  REQUIRE(told.size() == 1);
  CHECK(told[0].chat == crew);
  CHECK(told[0].caller == ann);
  CHECK(told[0].chat_ids == PersonIds());
  CHECK(told[0].is_group);
  CHECK(f.ask(RejectCall{"C1"}).answer().error().code == Errc::not_implemented);
  CallRejected member{head(), "", false};
  member.call.group = crew;
  f.ring(member);  // one who does not come
  member.call.group.reset();
  f.ring(member);  // who need not name the group
  CallEnded over = end("group_call_ended");
  f.ring(over);
  CHECK(f.states() == Lines{"ringing", "missed"});
  CHECK(f.told_of<CallChanged>()[1].chat == crew);  // which the end does not name
  CHECK(f.texts().empty());
}

TEST_CASE("media signalling and what is no call are acknowledged and told to nobody") {
  Called f;
  Node signalling("call");
  signalling.set("id", "s-1").set("from", ann).add(Node("transport").set("call-id", "C1").set("call-creator", ann));
  CHECK(said(f.hear(signalling)) == Lines{"ack transport"});
  Node nothing("call");
  nothing.set("id", "s-2").set("from", ann);
  CHECK(said(f.hear(nothing)) == Lines{"ack "});
  Node nobody = Node("call").set("id", "s-3").set("from", crew);
  nobody.add(Node("offer").set("call-id", "C1").set("call-creator", crew));  // a group calls nobody
  CHECK(said(f.hear(nobody)) == Lines{"receipt offer"});
  CHECK(f.hear(Node("call").set("from", ann).add(Node("offer"))).empty());  // without an id there is no answer
  CHECK(f.states().empty());
}

TEST_CASE("a call that rings is rejected when a program asks, once") {
  Called f;
  CHECK(f.ask(RejectCall{"C1"}).answer().error().code == Errc::not_found);
  f.ring(offer());
  const auto reject = f.ask(RejectCall{"C1"});
  REQUIRE(reject.answer().has_value());
  REQUIRE(said(reject.asked) == Lines{"call reject"});
  CHECK(reject.asked[0].jid("to") == ann);
  CHECK(reject.asked[0].jid("from") == self);
  const auto read = protocol::read_call_reject(reject.asked[0]);
  REQUIRE(read);
  CHECK(read->call_id == "C1");
  CHECK(read->creator == ann);
  const auto again = f.ask(RejectCall{"C1"});
  CHECK(again.answer().error().code == Errc::not_found);
  CHECK(again.answer().error().subject == Subject::call);
  CHECK(again.asked.empty());
  f.hear(Node("ack").set("class", "call").set("type", "reject").set("id", reject.asked[0].attr("id")));
  f.ring(end("rejected_elsewhere"));
  CHECK(f.states() == Lines{"ringing", "rejectedHere"});
  CHECK(f.texts().empty());  // that is the config's
}

TEST_CASE("what does not ring here cannot be rejected, nor anything without a connection") {
  Called f;
  CallOffered notice = offer("N1");
  notice.notice_only = true;
  f.ring(notice);
  CHECK(f.ask(RejectCall{"N1"}).answer().error().code == Errc::not_found);
  CallOffered own = offer("O1");
  own.call.creator = self.with_device(0);
  own.call.creator_pn.reset();
  f.ring(own);
  CHECK(f.told_of<CallChanged>().back().from_me);
  CHECK(f.told_of<CallChanged>().back().chat == ann);
  CHECK(f.ask(RejectCall{"O1"}).answer().error().code == Errc::not_found);
  f.ring(offer("C2"));
  f.ring(offer("C3"));
  f.cut();
  CHECK(f.ask(RejectCall{"C2"}).answer().error().code == Errc::not_ready);
  f.go_online();
  CHECK(f.ask(RejectCall{"C2"}).answer().has_value());  // it rings still
  f.now_ms += 46'000;
  CHECK(f.ask(RejectCall{"C3"}).answer().error().code == Errc::not_found);
}

TEST_CASE("with the config so, a call is rejected as it comes, and the caller gets the text once") {
  Called f(polite);
  CHECK(said(f.ring(offer())) == Lines{"receipt offer", "call reject"});
  CHECK(f.states() == Lines{"ringing", "rejectedHere"});
  CHECK(f.texts() == Lines{"Please write."});
  for (const auto& told : f.told_of<events::NewMessage>()) CHECK(told.message.chat == ann);
  // It rings again: the refusal was lost on its way.
  CHECK(said(f.ring(offer())) == Lines{"receipt offer", "call reject"});
  f.ring(end());
  CHECK(f.states() == Lines{"ringing", "rejectedHere"});
  CHECK(f.texts() == Lines{"Please write."});
  f.ring(offer("C2"));  // another call
  CHECK(f.texts() == Lines{"Please write.", "Please write."});
}

TEST_CASE("without a text nothing is sent, and a call that is only noticed rings on") {
  Called f({true, ""});
  CallOffered notice = offer();
  notice.notice_only = true;
  CHECK(said(f.ring(notice)) == Lines{"ack offer_notice"});
  CHECK(said(f.ring(offer())) == Lines{"receipt offer", "call reject"});
  CallOffered old = offer("C2");
  old.call.at = now_s - 46;
  CHECK(said(f.ring(old)) == Lines{"receipt offer"});
  CHECK(f.texts().empty());
}

TEST_CASE("the config may be changed while the session runs") {
  Called f;
  UpdateSession update;
  update.config = SessionConfig();
  update.config->calls = polite;
  f.ask(std::move(update));
  CHECK(said(f.ring(offer())) == Lines{"receipt offer", "call reject"});
}

TEST_CASE("a call that comes again after a crash is told once and answered by one text, wherever the crash was") {
  Called f(polite);
  SECTION("before the commit") {
    f.turn_of(StanzaArrived{f.stanza_of(offer()), f.session->link_epoch()}, false);
    CHECK(f.states().empty());
    f.restart(polite);
    CHECK(said(f.ring(offer())) == Lines{"receipt offer", "call reject"});
  }
  SECTION("between the commit and what leaves; the server says that it is late") {
    f.ring(offer());
    f.restart(polite);
    CallOffered late = offer();
    late.call.offline = true;
    CHECK(said(f.ring(late)) == Lines{"receipt offer"});
  }
  SECTION("between the commit and what leaves; it rings still") {
    f.ring(offer());
    f.restart(polite);
    CHECK(said(f.ring(offer())) == Lines{"receipt offer", "call reject"});
  }
  f.ring(end());
  CHECK(f.states() == Lines{"ringing", "rejectedHere"});
  CHECK(f.texts() == Lines{"Please write."});
}

TEST_CASE("a call whose beginning was told before a restart is missed behind it") {
  Called f;
  f.ring(offer());
  f.restart();
  f.ring(end());
  CHECK(f.states() == Lines{"ringing", "missed"});
  f.restart();
  CallEnded unknown = end();
  unknown.call.call_id = "C9";
  f.ring(unknown);  // of which nothing is known
  CHECK(f.states() == Lines{"ringing", "missed", "ended"});
}

TEST_CASE("a text that finds the queue full is left out, and the log says so") {
  PeopleFixture f(false);
  f.settings.max_queued_messages = 0;
  f.reopen();
  f.session->context().config.calls = polite;
  f.begin();
  f.go_online();
  f.logged.clear();
  CHECK(said(f.hear(protocol::call_stanza("s-1", offer()))) == Lines{"receipt offer", "call reject"});
  CHECK(f.told_of<events::NewMessage>().empty());
  CHECK(f.logged == Lines{"call_text_refused call=C1"});
}
