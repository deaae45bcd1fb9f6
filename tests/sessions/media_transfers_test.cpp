// The line in which transfers wait, and transfers that are given up (what one does: upload_job_test.cpp,
// download_job_test.cpp).
#include "sessions/media/media_transfers.h"

#include <catch2/catch.hpp>

#include "tests/sessions/media_fixture.h"

using namespace wharf;
using namespace wharf::sessions;

namespace {

/// Uploads of one small file, told apart by their tokens; `finished` has them as they end.
struct Line {
  explicit Line(std::size_t at_once) : rig(TransferSettings{at_once, at_once, true}) {
    sealed = rig.put(test::generated_plaintext(100));
  }
  void add(const std::string& name, std::function<void()> then = {}) {
    handles.insert_or_assign(
        name, rig.transfers.upload(test::upload_of(sealed, name), [this, name, then](const auto& answer) {
          finished.push_back(name + " " + test::outcome(answer));
          if (then) then();
        }));
  }
  /// The tokens of all requests, in order.
  std::string asked() {
    rig.settle();
    std::string out;
    for (std::size_t i = 0; i < rig.http.requests(); ++i) {
      const std::string& target = rig.http.seen(i).target;
      const std::size_t begin = target.find("auth=") + 5;
      out += target.substr(begin, target.find('&') - begin);
    }
    return out;
  }
  test::TransferRig rig;
  SealedMedia sealed;
  std::vector<std::string> finished;
  std::map<std::string, TransferHandle> handles;
};

}  // namespace

TEST_CASE("so many uploads at one time, the others in order") {
  Line line(3);
  for (const char* name : {"a", "b", "c", "d", "e", "f"}) line.add(name);
  CHECK(line.finished.empty());
  CHECK(line.asked() == "abc");
  CHECK(line.rig.http.seen(0).allow_private);
  line.rig.http.answer(1, {200, test::good_upload});
  CHECK(line.asked() == "abcd");
  CHECK(line.rig.http.under_way() == 3);
  line.rig.http.answer(0, {413});
  line.rig.http.answer(3, {200, test::good_upload});
  CHECK(line.asked() == "abcdef");
  CHECK(line.finished == std::vector<std::string>{"b ok", "a too_large", "d ok"});
}

TEST_CASE("an upload given up calls nobody, and its place is the next one's") {
  Line line(1);
  for (const char* name : {"a", "b", "c"}) line.add(name);
  SECTION("while it runs") {
    CHECK(line.asked() == "a");
    line.handles.at("a").cancel();
    CHECK(line.asked() == "ab");
    CHECK(line.rig.http.under_way() == 1);
    line.handles.at("a").cancel();  // and only once
    CHECK(line.asked() == "ab");
  }
  SECTION("by the end of its handle, while it waits") {
    CHECK(line.asked() == "a");
    line.handles.erase("b");
    line.rig.http.answer(0, {200, test::good_upload});
    CHECK(line.asked() == "ac");
  }
  SECTION("before it has begun") {
    line.handles.erase("a");
    line.handles.erase("b");
    CHECK(line.asked() == "c");
  }
  SECTION("while its file is being opened") {
    std::optional<test::HeldWorkers> held(std::in_place, line.rig.workers);
    test::run_ready(line.rig.loop);
    line.handles.erase("a");
    held.reset();
    CHECK(line.asked() == "b");
  }
  for (const std::string& each : line.finished) CHECK(each == "a ok");
}

TEST_CASE("uploads may be given up inside the callback of another one") {
  Line line(2);
  line.add("a", [&] {
    line.handles.erase("a");  // itself, too
    line.handles.erase("b");
    line.handles.erase("d");
  });
  for (const char* name : {"b", "c", "d", "e"}) line.add(name);
  CHECK(line.asked() == "ab");
  line.rig.http.answer(0, {200, test::good_upload});
  CHECK(line.asked() == "abce");
  line.rig.http.answer(1, {200, test::good_upload});
  line.rig.http.answer(2, {200, test::good_upload});
  line.rig.http.answer(3, {200, test::good_upload});
  line.asked();
  CHECK(line.finished == std::vector<std::string>{"a ok", "c ok", "e ok"});
}
