#include "protocol/calls/ongoing_calls.h"

#include <catch2/catch.hpp>

#include "tests/support/printing.h"

using namespace wharf::protocol;

namespace {

constexpr std::uint64_t now = 1'770'000'000;

CallHead head(std::string id = "A1") {
  CallHead call;
  call.call_id = std::move(id);
  call.chat = call.creator = Jid("900000000000002", server::lid);
  return call;
}
CallOffered offer(std::string id = "A1") {
  CallOffered out;
  out.call = head(std::move(id));
  out.call.creator_pn = Jid("15550000002", server::user);
  out.video = true;
  return out;
}
CallEnded end(std::string reason = {}) {
  CallEnded out;
  out.call = head();
  out.reason = std::move(reason);
  return out;
}

}  // namespace

TEST_CASE("what follows an offer inherits what the offer said") {
  OngoingCalls calls;
  CallOffered group = offer();
  group.is_group = true;
  group.call.group = Jid("120363000000000001", server::group);
  REQUIRE(calls.follow(group, now)->video);
  const auto accepted = calls.follow(CallAccepted{head()}, now + 5);
  REQUIRE(accepted->video);
  REQUIRE(accepted->is_group);
  REQUIRE(accepted->creator_pn == Jid("15550000002", server::user));
  REQUIRE(accepted->group == group.call.group);
  REQUIRE_FALSE(calls.follow(CallAccepted{head("other")}, now));
  REQUIRE_FALSE(calls.follow(UnknownCall{Jid("1", server::lid), "x"}, now));
}

TEST_CASE("a call is missed when it rang, nobody answered and it was not taken elsewhere") {
  const auto missed = [](const std::vector<CallEvent>& before, CallEnded last) {
    OngoingCalls calls;
    for (const CallEvent& event : before) calls.follow(event, now);
    const auto known = calls.follow(last, now + 30);
    REQUIRE(calls.size() == 0);
    return known && known->missed;
  };
  REQUIRE(missed({offer()}, end()));
  REQUIRE(missed({offer(), CallRejected{head(), "busy", true}}, end()));
  REQUIRE_FALSE(missed({offer(), CallAccepted{head()}}, end()));
  REQUIRE_FALSE(missed({offer(), CallAccepted{head()}, offer()}, end()));  // offered again
  REQUIRE_FALSE(missed({offer(), CallRejected{head(), "", false}}, end()));
  REQUIRE_FALSE(missed({}, end()));
  CallOffered notice = offer();
  notice.notice_only = true;
  REQUIRE_FALSE(missed({notice}, end()));
  CallEnded elsewhere = end("accepted_elsewhere");
  elsewhere.outcome = CallEnded::Outcome::answered_on_other_device;
  REQUIRE_FALSE(missed({offer()}, elsewhere));
}

TEST_CASE("calls are forgotten after five minutes, and the oldest of a flood") {
  OngoingCalls calls;
  calls.follow(offer(), now);
  REQUIRE(calls.follow(CallAccepted{head()}, now + 300));
  REQUIRE_FALSE(calls.follow(end(), now + 301));
  REQUIRE(calls.size() == 0);
  OngoingCalls few({300, 2});
  few.follow(offer("A1"), now);
  few.follow(offer("B2"), now + 1);
  few.follow(offer("C3"), now + 2);
  REQUIRE(few.size() == 2);
  REQUIRE_FALSE(few.follow(CallAccepted{head("A1")}, now + 2));
  REQUIRE(few.follow(CallAccepted{head("C3")}, now + 2));
}

TEST_CASE("a call may be refused while it rings here and nobody has answered") {
  OngoingCalls calls;
  REQUIRE(calls.ringing("A1", now) == nullptr);
  CallOffered notice = offer();
  notice.notice_only = true;
  calls.follow(notice, now);
  REQUIRE(calls.ringing("A1", now) == nullptr);
  calls.follow(offer(), now + 1);  // it rings after all
  REQUIRE(calls.ringing("A1", now + 1) != nullptr);
  REQUIRE(*calls.ringing("A1", now + 1) == offer());
  REQUIRE(calls.ringing("A1", now + 45) != nullptr);
  REQUIRE(calls.ringing("A1", now + 46) == nullptr);  // without a time of its own: by ours
  CallOffered late = offer("B2");
  late.call.offline = true;
  calls.follow(late, now);
  REQUIRE(calls.ringing("B2", now) == nullptr);
  calls.follow(offer("C3"), now);
  calls.follow(CallAccepted{head("C3")}, now);
  REQUIRE(calls.ringing("C3", now) == nullptr);
  calls.follow(offer("D4"), now);
  calls.end("D4");
  REQUIRE(calls.ringing("D4", now) == nullptr);
}
