// Uploads out of the vault: hosts, answers, resuming and what is told of failures. Specification 04 sections 3.1 to
// 3.3.

#include <catch2/catch.hpp>

#include "tests/sessions/media_fixture.h"

using namespace wharf;
using namespace wharf::sessions;
using namespace std::chrono_literals;
using Catch::Contains;
using net::OutgoingFailure;
using protocol::Bytes;
using protocol::MediaKind;
using protocol::UploadAnswer;
using test::good_upload;
using test::HostAnswer;
using test::outcome;
using test::TransferRig;
using test::upload_of;

namespace {

std::string target_of(const MediaUpload& upload) {
  return protocol::upload_target(upload.kind, upload.sent_sha256, upload.auth);
}

Transferred<UploadAnswer> send(TransferRig& rig, MediaUpload upload) {
  return rig.wait<Transferred<UploadAnswer>>(
      [&](auto done) { return rig.transfers.upload(std::move(upload), std::move(done)); });
}

/// As the media servers must get it, by an independent pass.
std::string encrypted(const SealedMedia& sealed, const Bytes& plain) {
  return std::string(
      protocol::as_text(test::encrypt_media(protocol::expand_media_key(sealed.key, sealed.kind), plain).file));
}

bool tells_secrets(const std::string& detail, const MediaUpload& upload) {
  return Contains("sesame").match(detail) || Contains("://").match(detail) || Contains("auth=").match(detail) ||
         Contains(protocol::upload_token(upload.sent_sha256)).match(detail);
}

}  // namespace

TEST_CASE("a file goes to the first host, encrypted, under the name of its hash") {
  TransferRig rig;
  const Bytes plain = test::generated_plaintext(GENERATE(0u, 100u, 700'000u));
  const SealedMedia sealed = rig.put(plain, MediaKind::video);
  const MediaUpload upload = upload_of(sealed);
  rig.http.answers = {{200, good_upload}};
  const auto answer = send(rig, upload);
  REQUIRE(outcome(answer) == "ok");
  CHECK(answer->direct_path == "/v/f?a=1");
  CHECK(answer->url == "https://mmg.whatsapp.net/v/f?a=1");
  CHECK(answer->handle == "h");
  CHECK(answer->metadata_url == "m");

  REQUIRE(rig.http.requests() == 1);
  const auto& seen = rig.http.seen(0);
  CHECK(seen.method == "POST");
  CHECK(seen.secure);
  CHECK(seen.host == "one.example");
  const std::string name = protocol::upload_token(sealed.digest.file_enc_sha256);
  CHECK(seen.target == "/mms/video/" + name + "?auth=sesame%2Fopen%2B&token=" + name);
  const decltype(seen.headers) expected = {{"Origin", "https://web.whatsapp.com"},
                                           {"Referer", "https://web.whatsapp.com/"},
                                           {"Content-Type", "application/octet-stream"}};
  CHECK(seen.headers == expected);
  CHECK(seen.body_bytes == upload.bytes);
  CHECK((seen.body == encrypted(sealed, plain)));
  CHECK_FALSE(seen.allow_private);
}

TEST_CASE("a host that cannot take the file is passed over, and the next one gets all of it") {
  TransferRig rig;
  const Bytes plain = test::generated_plaintext(700'000);
  const SealedMedia sealed = rig.put(plain);
  const auto trouble = GENERATE(
      HostAnswer{503}, HostAnswer{429}, HostAnswer{408}, HostAnswer{500, "<html>"}, HostAnswer{302},
      HostAnswer{.failure = OutgoingFailure::Kind::connect}, HostAnswer{.failure = OutgoingFailure::Kind::timeout},
      HostAnswer{200, ""}, HostAnswer{200, "not JSON"}, HostAnswer{200, "[]"},
      HostAnswer{200, R"({"url":"https://mmg.whatsapp.net/v"})"}, HostAnswer{200, R"({"direct_path":"/v"})"},
      HostAnswer{200, R"({"url":"http://mmg.whatsapp.net/v","direct_path":"/v"})"},
      HostAnswer{200, R"({"url":"https://u@mmg.whatsapp.net/v","direct_path":"/v"})"},
      HostAnswer{200, R"({"url":"https://mmg.whatsapp.net/v","direct_path":7})"});
  INFO("status " << trouble.status << " " << trouble.body);
  rig.http.answers = {trouble, {200, good_upload}};
  CHECK(outcome(send(rig, upload_of(sealed))) == "ok");
  REQUIRE(rig.http.requests() == 2);
  CHECK(rig.http.seen(1).host == "two.example");
  CHECK(rig.http.seen(1).target == rig.http.seen(0).target);
  CHECK((rig.http.seen(1).body == encrypted(sealed, plain)));
}

TEST_CASE("an answer that comes while a piece is being read does not cost the next host that piece") {
  TransferRig rig;
  const Bytes plain = test::generated_plaintext(700'000);
  const SealedMedia sealed = rig.put(plain);
  HostAnswer early{503};
  early.early = true;
  rig.http.answers = {early};
  std::optional<Transferred<UploadAnswer>> result;
  const auto handle = rig.transfers.upload(upload_of(sealed), [&](auto answer) { result.emplace(std::move(answer)); });
  rig.until([&] { return rig.http.requests() == 2; });
  rig.settle();  // the piece for the first host has come
  rig.http.answer(1, {200, good_upload});
  rig.until([&] { return result.has_value(); });
  CHECK(outcome(*result) == "ok");
  CHECK((rig.http.seen(1).body == encrypted(sealed, plain)));
}

TEST_CASE("when no host takes the file it is the last one that tells why, and no secret is in it") {
  TransferRig rig;
  const MediaUpload upload = upload_of(rig.put(test::generated_plaintext(100)));
  SECTION("a status") {
    rig.http.answers = {{500}, {503}};
    const auto answer = send(rig, upload);
    CHECK(outcome(answer) == "temporary");
    CHECK(answer.error().detail == "the media server two.example answered 503");
  }
  SECTION("no connection") {
    rig.http.answers = {{500}, {.failure = OutgoingFailure::Kind::connect}};
    const auto answer = send(rig, upload);
    CHECK(outcome(answer) == "temporary");
    CHECK(answer.error().detail == "two.example: it did not work");
  }
  SECTION("an answer that is none") {
    rig.http.answers = {{500}, {200, R"({"url":"https://two.example/sesame","direct_path":""})"}};
    const auto answer = send(rig, upload);
    CHECK(outcome(answer) == "temporary");
    CHECK_THAT(answer.error().detail, Contains("two.example"));
    CHECK_FALSE(tells_secrets(answer.error().detail, upload));
  }
  SECTION("names that are none") {
    MediaUpload lost = upload;
    lost.hosts = {"not a host", "user@two.example", ""};
    const auto answer = send(rig, lost);
    CHECK(outcome(answer) == "temporary");
    CHECK_FALSE(tells_secrets(answer.error().detail, upload));
    CHECK(rig.http.requests() == 0);
  }
  SECTION("there is none") {
    MediaUpload lost = upload;
    lost.hosts.clear();
    CHECK(outcome(send(rig, lost)) == "temporary");
  }
}

TEST_CASE("a refusal of the token or of the file ends an upload at once") {
  TransferRig rig;
  const MediaUpload upload = upload_of(rig.put(test::generated_plaintext(100)));
  const auto [status, expected] = GENERATE(table<unsigned, const char*>(
      {{401u, "not_allowed"}, {403u, "not_allowed"}, {413u, "too_large"}, {400u, "refused"}, {404u, "refused"}}));
  rig.http.answers = {{status, good_upload}};
  const auto answer = send(rig, upload);
  CHECK(outcome(answer) == expected);
  CHECK(answer.error().detail == "the media server one.example answered " + std::to_string(status));
  CHECK(rig.http.requests() == 1);
}

TEST_CASE("of a large file a host is asked first what it has, and gets the rest") {
  TransferRig rig;
  constexpr std::size_t large = 5u << 20;
  const Bytes plain = test::generated_plaintext(large - 10);  // with padding and MAC: from 5 MiB on
  const SealedMedia sealed = rig.put(plain, MediaKind::document);
  const MediaUpload upload = upload_of(sealed);
  const std::string file = encrypted(sealed, plain), target = target_of(upload);
  REQUIRE(upload.bytes >= large);

  SECTION("all of it") {
    rig.http.answers = {{200, R"({"resume":"complete","url":"https://one.example/v","direct_path":"/v"})"}};
    const auto answer = send(rig, upload);
    CHECK(outcome(answer) == "ok");
    CHECK(answer->direct_path == "/v");
    REQUIRE(rig.http.requests() == 1);
    CHECK(rig.http.seen(0).method == "POST");
    CHECK(rig.http.seen(0).target == target + "&resume=1");
    CHECK_FALSE(rig.http.seen(0).streams);
  }
  SECTION("some of it") {
    const std::size_t offset = GENERATE(std::size_t{1}, std::size_t{3'000'001}, (std::size_t{5} << 20) - 5);
    rig.http.answers = {{200, R"({"resume":")" + std::to_string(offset) + "\"}"}, {200, good_upload}};
    CHECK(outcome(send(rig, upload)) == "ok");
    REQUIRE(rig.http.requests() == 2);
    CHECK(rig.http.seen(1).target == target + "&file_offset=" + std::to_string(offset));
    CHECK(rig.http.seen(1).body_bytes == upload.bytes - offset);
    CHECK((rig.http.seen(1).body == file.substr(offset)));
  }
  SECTION("nothing that it can tell") {
    const auto said = GENERATE_COPY(values<HostAnswer>({{200, "gibberish"},
                                                        {200, R"({"resume":"-1"})"},
                                                        {200, R"({"resume":"7x"})"},
                                                        {200, R"({"resume":"0"})"},
                                                        {200, R"({"resume":"complete"})"},
                                                        {200, R"({"resume":7})"},
                                                        {200, R"({"resume":")" + std::to_string(upload.bytes) + "\"}"},
                                                        {404, R"({"resume":"100"})"},
                                                        {503},
                                                        {.failure = OutgoingFailure::Kind::timeout}}));
    INFO(said.status << " " << said.body);
    rig.http.answers = {said, {200, good_upload}};
    CHECK(outcome(send(rig, upload)) == "ok");
    REQUIRE(rig.http.requests() == 2);
    CHECK(rig.http.seen(1).host == "one.example");
    CHECK(rig.http.seen(1).target == target);
    CHECK((rig.http.seen(1).body == file));
  }
  SECTION("each host for itself") {
    rig.http.answers = {{200, R"({"resume":"1000"})"}, {503}, {200, R"({"resume":"2000"})"}, {200, good_upload}};
    CHECK(outcome(send(rig, upload)) == "ok");
    REQUIRE(rig.http.requests() == 4);
    CHECK(rig.http.seen(2).host == "two.example");
    CHECK((rig.http.seen(3).body == file.substr(2'000)));
  }
}

TEST_CASE("a file for a channel wants a handle, of whatever answer") {
  TransferRig rig;
  constexpr std::size_t large = 5u << 20;
  const Bytes plain = test::generated_plaintext(large);
  const SealedMedia sealed = rig.put(plain);
  MediaUpload upload = upload_of(sealed);
  upload.plain = sealed.reference();
  upload.sent_sha256 = upload.plain->hashes.file_sha256;
  upload.bytes = large;
  const std::string target = *protocol::newsletter_upload_target(upload.kind, upload.sent_sha256, upload.auth);
  const HostAnswer known{200, R"({"resume":"complete","url":"https://one.example/v","direct_path":"/v"})"};
  const HostAnswer nameless{200, R"({"url":"https://one.example/v","direct_path":"/v"})"};

  SECTION("what a host has without one is sent to it once more") {
    rig.http.answers = {known, {200, good_upload}};
    const auto answer = send(rig, upload);
    REQUIRE(outcome(answer) == "ok");
    CHECK(answer->handle == "h");
    REQUIRE(rig.http.requests() == 2);
    CHECK(rig.http.seen(1).host == "one.example");
    CHECK(rig.http.seen(1).target == target);
    CHECK((rig.http.seen(1).body == protocol::as_text(plain)));
  }
  SECTION("what a host has with one is not") {
    rig.http.answers = {
        {200, R"({"resume":"complete","url":"https://one.example/v","direct_path":"/v","handle":"h"})"}};
    CHECK(outcome(send(rig, upload)) == "ok");
    CHECK(rig.http.requests() == 1);
  }
  SECTION("a host that names none is passed over") {
    rig.http.answers = {known, nameless, known, {200, good_upload}};
    CHECK(outcome(send(rig, upload)) == "ok");
    CHECK(rig.http.seen(3).host == "two.example");
  }
  SECTION("with none at all it is tried later") {
    rig.http.answers = {known, nameless, known, nameless};
    const auto answer = send(rig, upload);
    REQUIRE(outcome(answer) == "temporary");
    CHECK_THAT(answer.error().detail, Contains("handle"));
  }
}

TEST_CASE("a smaller file is sent without a question") {
  TransferRig rig;
  const SealedMedia sealed = rig.put(test::generated_plaintext((5u << 20) - 27));
  const MediaUpload upload = upload_of(sealed);
  REQUIRE(upload.bytes < 5u << 20);
  rig.http.answers = {{200, good_upload}};
  CHECK(outcome(send(rig, upload)) == "ok");
  CHECK(rig.http.seen(0).target == target_of(upload));
}

TEST_CASE("a file that is gone is not sent") {
  TransferRig rig;
  const SealedMedia sealed = rig.put(test::generated_plaintext(700'000));
  std::filesystem::remove(rig.path(sealed));
  CHECK(outcome(send(rig, upload_of(sealed))) == "local");
  CHECK(rig.http.requests() == 0);
}

TEST_CASE("a file that cannot be read now is no server's fault, and may be read later") {
  TransferRig rig;
  const SealedMedia sealed = rig.put(test::generated_plaintext(700'000));
  std::filesystem::resize_file(rig.path(sealed), 300'000);
  rig.http.answers = {{200, good_upload}, {200, good_upload}};
  CHECK(outcome(send(rig, upload_of(sealed))) == "temporary");
  CHECK(rig.http.requests() == 1);
}

TEST_CASE("workers with too much to do are no fault of the file that is sent") {
  TransferRig rig;
  const SealedMedia sealed = rig.put(test::generated_plaintext(700'000));
  std::optional<Transferred<UploadAnswer>> result;
  const auto handle = rig.transfers.upload(upload_of(sealed), [&](auto answer) { result.emplace(std::move(answer)); });
  std::optional<test::HeldWorkers> held;
  SECTION("when it is to be opened") {
    held.emplace(rig.workers);
    test::fill(rig.workers);
  }
  SECTION("when a piece is to be read") {
    rig.until([&] { return rig.http.requests() == 1; });
    held.emplace(rig.workers);
    test::fill(rig.workers);
    rig.http.answer(0, {200, good_upload});
  }
  rig.until([&] { return result.has_value(); });
  CHECK(outcome(*result) == "temporary");
}

TEST_CASE("an upload has an end, however slowly it goes") {
  TransferRig rig;
  const SealedMedia sealed = rig.put(test::generated_plaintext(2u << 20));
  const MediaUpload upload = upload_of(sealed);
  std::optional<Transferred<UploadAnswer>> result;
  const auto handle = rig.transfers.upload(upload, [&](auto answer) { result.emplace(std::move(answer)); });
  rig.until([&] { return rig.http.requests() == 1; });
  rig.time.pass(120s + 64s - 1ms);  // 32 KiB in a second
  CHECK_FALSE(result);
  rig.time.pass(1ms);
  REQUIRE(result);
  CHECK(outcome(*result) == "temporary");
  CHECK(rig.http.under_way() == 0);
  CHECK(rig.time.armed() == 0);
}
