// Downloads into the vault: places, tries, pauses and what is believed. Specification 04 sections 4.1 to 4.3.
#include <catch2/catch.hpp>
#include <limits>

#include "tests/sessions/media_fixture.h"

using namespace wharf;
using namespace wharf::sessions;
using namespace std::chrono_literals;
using Catch::Contains;
using net::OutgoingFailure;
using protocol::Bytes;
using protocol::MediaKind;
using test::HostAnswer;
using test::outcome;
using test::TransferRig;

namespace {

struct Download {
  explicit Download(std::size_t length = 45'000, TransferSettings settings = {}, std::uint64_t max_file = 1u << 30)
      : rig(settings, max_file), plain(test::generated_plaintext(length)) {
    const auto key = test::vector_media_key();
    const auto encrypted = test::encrypt_media(protocol::expand_media_key(key, MediaKind::image), plain);
    file = protocol::as_text(encrypted.file);
    wanted = {{key, encrypted.hashes()}, MediaKind::image, length, {{"one.example", path}, {"two.example", path}}};
  }
  void begin() {
    handle = rig.transfers.download(wanted, [this](auto answer) {
      REQUIRE_FALSE(result);
      result.emplace(std::move(answer));
    });
  }
  /// Time passes for every pause.
  std::string fetch() {
    begin();
    while (!result) {
      // Beside the deadline there is a pause.
      rig.until([&] { return result || rig.time.armed() == 2; });
      if (!result) pauses.push_back(pass_pause());
    }
    return outcome(*result);
  }
  std::chrono::milliseconds pass_pause() {
    const auto pause = rig.time.next();
    const std::size_t before = rig.http.requests();
    rig.time.pass(pause - 1ms);
    CHECK(rig.http.requests() == before);
    rig.time.pass(1ms);
    CHECK(rig.http.requests() == before + 1);
    return pause;
  }
  bool holds() const { return rig.vault.holds(media_name(wanted.reference, wanted.kind)); }
  std::string hosts() const {
    std::string out;
    for (std::size_t i = 0; i < rig.http.requests(); ++i) out += rig.http.seen(i).host.substr(0, 3) + " ";
    return out;
  }
  std::string damaged() const {
    std::string out = file;
    out[20'000] = static_cast<char>(out[20'000] ^ 1);
    return out;
  }

  static constexpr const char* path = "/v/t62/f.enc?oh=1&hash=x&mms-type=image&__wa-mms=";
  TransferRig rig;
  Bytes plain;
  std::string file;
  MediaDownload wanted;
  TransferHandle handle;
  std::optional<Transferred<void>> result;
  std::vector<std::chrono::milliseconds> pauses;
};

using Pauses = std::vector<std::chrono::milliseconds>;

}  // namespace

TEST_CASE("a file comes from the first place into the vault") {
  Download download;
  download.rig.http.answers = {{200, download.file}};
  CHECK(download.fetch() == "ok");
  CHECK(download.holds());
  REQUIRE(download.rig.http.requests() == 1);
  const auto& seen = download.rig.http.seen(0);
  CHECK(seen.method == "GET");
  CHECK(seen.secure);
  CHECK(seen.host == "one.example");
  CHECK(seen.target == Download::path);
  const decltype(seen.headers) expected = {{"Origin", "https://web.whatsapp.com"},
                                           {"Referer", "https://web.whatsapp.com/"}};
  CHECK(seen.headers == expected);
  const auto whole = download.rig.wait<protocol::Result<std::string>>([&](auto done) {
    download.rig.vault.load(download.wanted.reference, MediaKind::image, 1u << 20, std::move(done));
    return 0;
  });
  CHECK((*whole == protocol::as_text(download.plain)));
  CHECK(download.rig.time.armed() == 0);
  CHECK(download.rig.nothing_half());
}

TEST_CASE("a file that the servers no longer have is looked for in one place only") {
  Download download;
  const unsigned status = GENERATE(401u, 403u, 404u, 410u);
  download.rig.http.answers = {{status, download.file}};
  CHECK(download.fetch() == "gone");
  CHECK(download.result->error().detail == "the media server one.example answered " + std::to_string(status));
  CHECK(download.rig.http.requests() == 1);
  CHECK_FALSE(download.holds());
}

TEST_CASE("a place in trouble is tried three times, with longer pauses, then the next one") {
  Download download;
  const auto trouble = GENERATE(HostAnswer{500}, HostAnswer{503, "busy"}, HostAnswer{429}, HostAnswer{408},
                                HostAnswer{.failure = OutgoingFailure::Kind::connect},
                                HostAnswer{.failure = OutgoingFailure::Kind::timeout});
  download.rig.http.answers = {trouble, trouble, trouble};
  SECTION("which has it") {
    download.rig.http.answers.push_back({200, download.file});
    CHECK(download.fetch() == "ok");
    CHECK(download.hosts() == "one one one two ");
    CHECK(download.pauses == Pauses{1s, 2s});
    CHECK(download.holds());
  }
  SECTION("which is in trouble, too") {
    for (int i = 0; i < 3; ++i) download.rig.http.answers.push_back(trouble);
    CHECK(download.fetch() == "temporary");
    CHECK(download.hosts() == "one one one two two two ");
    CHECK(download.pauses == Pauses{1s, 2s, 1s, 2s});
    CHECK_THAT(download.result->error().detail, Contains("two.example") && !Contains("/v/t62") && !Contains("://"));
    CHECK_FALSE(download.holds());
  }
}

TEST_CASE("a server may say how long to wait, up to half a minute") {
  Download download;
  const auto [said, pause] = GENERATE(table<std::string, std::chrono::milliseconds>(
      {{"7", 7s}, {"30", 30s}, {"31", 30s}, {"4000000000", 30s}, {"soon", 1s}, {"-5", 1s}, {"", 1s}}));
  INFO(said);
  download.rig.http.answers = {{503, "", {{"date", "3"}, {"retry-after", said}}}, {200, download.file}};
  CHECK(download.fetch() == "ok");
  CHECK(download.pauses == Pauses{pause});
  CHECK(download.hosts() == "one one ");
}

TEST_CASE("a body that was cut off leaves nothing in the next one's way") {
  Download download;
  HostAnswer cut{200, download.file};
  cut.failure = OutgoingFailure::Kind::protocol;
  cut.cut_at = GENERATE(std::size_t{1}, std::size_t{25'000}, std::size_t{45'000});
  download.rig.http.answers = {cut, {200, download.file}};
  CHECK(download.fetch() == "ok");
  CHECK(download.hosts() == "one one ");
  CHECK(download.holds());
  CHECK(download.rig.nothing_half());
}

TEST_CASE("a damaged copy is passed over at once") {
  Download download;
  const std::size_t kept = GENERATE(0u, 1u, 30'000u, 100'000u);
  const std::string bad = download.damaged().substr(0, kept);
  download.rig.http.answers = {{200, bad}};
  SECTION("for a good one") {
    download.rig.http.answers.push_back({200, download.file});
    CHECK(download.fetch() == "ok");
    CHECK(download.holds());
  }
  SECTION("and there is no other") {
    download.rig.http.answers.push_back({200, bad});
    CHECK(download.fetch() == "damaged");
    CHECK_FALSE(download.holds());
  }
  CHECK(download.hosts() == "one two ");
  CHECK(download.pauses.empty());
  CHECK(download.rig.nothing_half());
}

TEST_CASE(
    "a file that the servers have in clear is in the vault when its hash is right, and a wrong copy passed over") {
  Download download;
  download.wanted.plain = true;
  download.wanted.reference.hashes.file_enc_sha256.reset();
  const std::string plain(protocol::as_text(download.plain));
  std::string wrong = plain;
  wrong[20'000] = static_cast<char>(wrong[20'000] ^ 1);
  download.rig.http.answers = {{200, wrong}};
  SECTION("for a right one") {
    download.rig.http.answers.push_back({200, plain});
    CHECK(download.fetch() == "ok");
    const auto whole = download.rig.wait<protocol::Result<std::string>>([&](auto done) {
      download.rig.vault.load(download.wanted.reference, MediaKind::image, 1u << 20, std::move(done));
      return 0;
    });
    CHECK((*whole == plain));
  }
  SECTION("and there is no other") {
    download.rig.http.answers.push_back({200, plain.substr(0, 44'999)});
    CHECK(download.fetch() == "damaged");
    CHECK_FALSE(download.holds());
  }
  CHECK(download.hosts() == "one two ");
  CHECK(download.rig.nothing_half());
}

TEST_CASE("a file with another plaintext than announced is the same everywhere") {
  Download download;
  download.wanted.reference.hashes.file_sha256[0] ^= 1;
  download.rig.http.answers = {{200, download.file}};
  CHECK(download.fetch() == "damaged");
  CHECK(download.rig.http.requests() == 1);
  CHECK_FALSE(download.holds());
  CHECK(download.rig.nothing_half());
}

TEST_CASE("a file that is too large is not tried again, nor read to its end") {
  Download download(100'000, {}, 20'000);
  SECTION("for the vault") {
    download.rig.http.answers = {{200, download.file}};
    CHECK(download.fetch() == "refused");
    CHECK(download.rig.http.seen(0).given == 30'000);  // in pieces of 10'000
  }
  SECTION("for any message") {
    download.rig.http.answers = {{.failure = OutgoingFailure::Kind::too_large}};
    CHECK(download.fetch() == "refused");
  }
  CHECK(download.rig.http.requests() == 1);
  CHECK_FALSE(download.holds());
  CHECK(download.rig.nothing_half());
}

TEST_CASE("a file may be larger than its sender says, but not without end") {
  Download download;
  download.wanted.length = 1'000;
  SECTION("a little") {
    download.rig.http.answers = {{200, download.file}};
    CHECK(download.fetch() == "ok");
  }
  SECTION("without end") {
    download.rig.http.answers = {{200, std::string(3u << 20, 'x')}};
    CHECK(download.fetch() == "refused");
    CHECK(download.rig.http.seen(0).given < 2u << 20);
    CHECK(download.rig.http.requests() == 1);
  }
}

TEST_CASE("places that are none are passed over") {
  Download download;
  SECTION("on the way to a good one") {
    download.wanted.targets = {{"no host", "/v"}, {"user:word@one.example", "/v"}, {"", "/v"}, {"two.example", "/v"}};
    download.rig.http.answers = {{200, download.file}};
    CHECK(download.fetch() == "ok");
    CHECK(download.hosts() == "two ");
  }
  SECTION("all of them") {
    download.wanted.targets = {{"no host", "/v"}};
    CHECK(download.fetch() == "refused");
  }
  SECTION("not one") {
    download.wanted.targets.clear();
    CHECK(download.fetch() == "refused");
  }
}

TEST_CASE("an answer that means nothing here sends a download to the next place, without a pause") {
  Download download;
  const unsigned status = GENERATE(204u, 206u, 302u, 400u, 416u);
  download.rig.http.answers = {{status, download.file}, {200, download.file}};
  CHECK(download.fetch() == "ok");
  CHECK(download.hosts() == "one two ");
  CHECK(download.pauses.empty());
}

TEST_CASE("a download has an end, however slowly it goes") {
  Download download;
  SECTION("of what the message says of its length") {
    download.wanted.length = 10u << 20;
    download.begin();
    download.rig.until([&] { return download.rig.http.requests() == 1; });
    download.rig.time.pass(120s + 320s - 1ms);  // 32 KiB in a second
    CHECK_FALSE(download.result);
    download.rig.time.pass(1ms);
  }
  SECTION("whatever it says") {
    download.wanted.length = std::numeric_limits<std::uint64_t>::max();
    download.begin();
    download.rig.until([&] { return download.rig.http.requests() == 1; });
    const auto longest = 120s + std::chrono::seconds((std::int64_t{4} << 30) / (32 << 10));
    CHECK(download.rig.time.next() == longest);
    download.rig.time.pass(longest);
  }
  SECTION("in a pause") {
    download.wanted.length = 0;
    download.rig.http.answers = {{503, "", {{"retry-after", "30"}}}};
    download.begin();
    download.rig.until([&] { return download.rig.http.requests() == 1; });
    download.rig.time.pass(100s);  // on the way
    download.rig.until([&] { return download.rig.time.armed() == 2; });
    download.rig.time.pass(20s);
    CHECK(download.rig.http.requests() == 1);
  }
  REQUIRE(download.result);
  CHECK(outcome(*download.result) == "temporary");
  CHECK(download.rig.http.under_way() == 0);
  CHECK(download.rig.time.armed() == 0);
  CHECK(download.rig.nothing_half());
}

TEST_CASE("a file that cannot be kept here ends its download") {
  Download download;
  std::optional<test::HeldWorkers> held;
  std::string wanted = "local";
  SECTION("no directory for it") {
    std::filesystem::remove_all(download.rig.directory + "/writing");
    download.begin();
    download.rig.http.answers = {{200, download.file}};
  }
  SECTION("workers with too much to do") {
    wanted = "temporary";  // they have time again
    download.begin();
    download.rig.until([&] { return download.rig.http.requests() == 1; });
    held.emplace(download.rig.workers);
    test::fill(download.rig.workers);
    download.rig.http.answer(0, {200, download.file});
  }
  download.rig.until([&] { return download.result.has_value(); });
  CHECK(outcome(*download.result) == wanted);
  CHECK(download.rig.http.requests() == 1);
  CHECK(download.rig.http.under_way() == 0);
  CHECK_THAT(download.result->error().detail, !Contains(download.rig.directory));
}

TEST_CASE("a download given up is over, wherever it is") {
  Download download(45'000, TransferSettings{1, 1, false});
  download.begin();
  bool next_done = false;
  auto other = download.wanted;
  other.targets = {{"two.example", Download::path}};
  const auto next =
      download.rig.transfers.download(other, [&](const auto& answer) { next_done = outcome(answer) == "ok"; });
  download.rig.until([&] { return download.rig.http.requests() == 1; });
  download.rig.settle();
  CHECK(download.rig.http.requests() == 1);  // the other one waits
  SECTION("before the answer") {}
  SECTION("in a pause") {
    download.rig.http.answer(0, {503});
    download.rig.until([&] { return download.rig.time.armed() == 2; });
  }
  SECTION("amid the body") {
    download.rig.http.answer(0, {200, download.file});
    download.rig.until([&] { return !std::filesystem::is_empty(download.rig.directory + "/writing"); });
  }
  download.handle.cancel();
  REQUIRE(download.rig.http.requests() == 2);
  CHECK(download.rig.http.seen(1).host == "two.example");
  CHECK(download.rig.http.under_way() == 1);
  download.rig.http.answer(1, {200, download.file});
  download.rig.until([&] { return next_done; });
  download.rig.time.pass(10s);
  download.rig.settle();
  CHECK_FALSE(download.result);
  CHECK(download.rig.http.requests() == 2);
  CHECK(download.rig.nothing_half());
}
