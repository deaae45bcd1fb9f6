// The media host's decisions, without a socket and without a file.

#include "sandbox/media/media_request.h"

#include <catch2/catch.hpp>

#include "sandbox/media/media_faults.h"

using namespace wharf;
using namespace wharf::sandbox;

namespace {

const protocol::Digest32 hash = protocol::sha256(protocol::as_bytes("the encrypted file"));

std::string token() { return protocol::to_base64url(hash); }

net::HttpRequest request(std::string method, std::string target,
                         std::vector<std::pair<std::string, std::string>> headers = {{"content-length", "100"}}) {
  net::HttpRequest out;
  out.method = std::move(method);
  out.target = std::move(target);
  out.headers = std::move(headers);
  return out;
}

MediaRequest read(const net::HttpRequest& head) {
  return read_media_request(head, 1'000, [](std::string_view auth) {
    return auth == "good" ? AuthState::valid : auth == "old" ? AuthState::expired : AuthState::unknown;
  });
}

unsigned refusal(const net::HttpRequest& head) {
  const auto wanted = read(head);
  const auto* refused = std::get_if<MediaRefusal>(&wanted);
  return refused ? refused->status : 0;
}

std::string upload_target(const std::string& more = "") {
  return "/mms/image/" + token() + "?auth=good&token=" + token() + more;
}

}  // namespace

TEST_CASE("an upload names its kind, hash and length; the token may be padded in path and query") {
  REQUIRE(token().size() == 43);  // so that padding is something
  for (const std::string& target : {upload_target(), "/mms/image/" + token() + "=?auth=good&token=" + token() + "%3D",
                                    "/mms/image/" + token() + "%3D?token=" + token() + "&auth=good&media_id=7"}) {
    INFO(target);
    const auto wanted = read(request("POST", target));
    const auto* upload = std::get_if<MediaUpload>(&wanted);
    REQUIRE(upload);
    CHECK(upload->kind == "image");
    CHECK(upload->hash == hash);
    CHECK(upload->length == 100);
    CHECK(upload->offset == 0);
  }
  const auto channel = read(request("POST", "/newsletter/newsletter-video/" + token() + "?auth=good&token=" + token()));
  REQUIRE(std::holds_alternative<MediaUpload>(channel));
  CHECK(std::get<MediaUpload>(channel).kind == "newsletter-video");
}

TEST_CASE("what is wrong with an upload has the status of the table") {
  const std::string path = "/mms/image/" + token(), query = "&token=" + token();
  const std::string other = protocol::to_base64url(protocol::sha256({}));
  CHECK(refusal(request("POST", path + "?" + query)) == 401);
  CHECK(refusal(request("POST", path + "?auth=bad" + query)) == 401);
  CHECK(refusal(request("POST", path + "?auth=old" + query)) == 403);
  CHECK(refusal(request("POST", upload_target(), {})) == 411);
  CHECK(refusal(request("POST", upload_target(), {{"transfer-encoding", "chunked"}})) == 411);
  CHECK(refusal(request("POST", upload_target(), {{"content-length", "1000"}})) == 0);
  CHECK(refusal(request("POST", upload_target(), {{"content-length", "1001"}})) == 413);
  CHECK(refusal(request("POST", upload_target("&file_offset=1"), {{"content-length", "18446744073709551615"}})) == 413);
  CHECK(refusal(request("POST", upload_target("&file_offset=900"))) == 0);
  CHECK(refusal(request("POST", upload_target("&file_offset=901"))) == 413);
  CHECK(refusal(request("POST", upload_target("&file_offset=18446744073709551615"))) == 413);
  CHECK(refusal(request("POST", upload_target("&file_offset=18446744073709551616"))) == 400);
  CHECK(refusal(request("POST", upload_target("&file_offset=-1"))) == 400);
  CHECK(refusal(request("POST", upload_target(), {{"content-length", "0"}})) == 400);
  CHECK(refusal(request("POST", path + "?auth=good")) == 400);
  CHECK(refusal(request("POST", path + "?auth=good&token=" + other)) == 400);
  CHECK(refusal(request("POST", "/mms/image/abc?auth=good&token=abc")) == 400);
  CHECK(refusal(request("POST", "/mms/image/" + token() + "==?auth=good" + query)) == 400);
  CHECK(refusal(request("POST", "/mms/../image/" + token() + "?auth=good" + query)) == 404);
  CHECK(refusal(request("POST", "/mms/%2e%2e/" + token() + "?auth=good" + query)) == 404);
  CHECK(refusal(request("POST", "/mms/film/" + token() + "?auth=good" + query)) == 404);
  CHECK(refusal(request("GET", upload_target())) == 405);
  CHECK(refusal(request("POST", "/v/t62/abc.enc")) == 404);
  CHECK(refusal(request("POST", "/pps/120363000000000001_7.jpg")) == 404);
  CHECK(refusal(request("GET", "/pps/biz-cover-photo/" + token())) == 405);
  const auto picture = read_media_request(request("GET", "/pps/120363000000000001_7.jpg?ccb=11-4"), 1, {});
  REQUIRE(std::holds_alternative<MediaDownload>(picture));
  CHECK(std::get<MediaDownload>(picture).path == "/pps/120363000000000001_7.jpg");
}

TEST_CASE("resume=1 asks, DELETE deletes, everything else is a download") {
  // whatsapp-rust asks with an empty body, and may leave out its length.
  CHECK(std::holds_alternative<MediaProbe>(read(request("POST", upload_target("&resume=1"), {}))));
  const auto wanted =
      read(request("DELETE", "/mms/md-msg-hist/" + token() + "=?token=" + token() + "%3D&d_md=x&auth=good"));
  REQUIRE(std::holds_alternative<MediaDeletion>(wanted));
  CHECK(std::get<MediaDeletion>(wanted).kind == "md-msg-hist");
  CHECK(refusal(request("DELETE", "/mms/md-msg-hist/" + token() + "?token=" + token())) == 401);
  const auto download = read(request("GET", "/v/../../etc/passwd?x=1"));
  REQUIRE(std::holds_alternative<MediaDownload>(download));  // a path that no file has
  CHECK(std::get<MediaDownload>(download).query == "x=1");
}

TEST_CASE("a download needs the signature of its path, and stops in time") {
  MediaFile file;
  file.id = "00112233445566778899aabbccddeeff";
  file.signature = "abcd";
  file.expires_ms = 1'000'000;
  file.signed_until_ms = 2'000'000;
  const std::string query = file.query(), more = "&hash=AAA%3D&mms-type=image&__wa-mms=";
  CHECK(query == "ccb=11-4&oh=abcd&oe=7d0");
  CHECK(judge_download(nullptr, query, 0) == 404);
  CHECK(judge_download(&file, query, 0) == 200);
  CHECK(judge_download(&file, query + more, 999'999) == 200);
  CHECK(judge_download(&file, query, 1'000'000) == 410);
  CHECK(judge_download(&file, query, 2'000'000) == 403);
  CHECK(judge_download(&file, "", 0) == 403);
  CHECK(judge_download(&file, "oh=abcd&oe=7d1", 0) == 403);
  CHECK(judge_download(&file, "oh=abce&oe=7d0", 0) == 403);
  file.gone = true;
  CHECK(judge_download(&file, query, 0) == 410);
}

TEST_CASE("ranges are inclusive, clamped to the file, and ignored when malformed") {
  struct Row {
    const char* range;
    unsigned status;
    std::uint64_t first, last;
  };
  const Row rows[] = {
      {"", 200, 0, 99},
      {"bytes=0-0", 206, 0, 0},
      {"bytes=10-19", 206, 10, 19},
      {"bytes=90-", 206, 90, 99},
      {"bytes=90-1000", 206, 90, 99},
      {"bytes=-10", 206, 90, 99},
      {"bytes=-1000", 206, 0, 99},
      {"bytes=99-99", 206, 99, 99},
      {"bytes=100-", 416, 0, 0},
      {"bytes=-0", 416, 0, 0},
      {"bytes=5-4", 200, 0, 99},
      {"bytes=", 200, 0, 99},
      {"bytes=-", 200, 0, 99},
      {"bytes=1-2,4-5", 200, 0, 99},
      {"bytes=a-b", 200, 0, 99},
      {"lines=1-2", 200, 0, 99},
      {"bytes=99999999999999999999-", 200, 0, 99},
  };
  for (const auto& row : rows) {
    INFO(row.range);
    const auto answer = answer_range(row.range, 100);
    CHECK(answer.status == row.status);
    CHECK(answer.first == row.first);
    CHECK(answer.last == row.last);
  }
}

TEST_CASE("a fault counts the requests it fits, the first rule wins") {
  MediaFaults faults;
  MediaFault images, first_host;
  images.kind = "image";
  images.on = MediaWay::upload;
  images.count = 2;
  first_host.what = MediaFault::What::dead;
  first_host.host = MediaDoor::primary;
  first_host.count = 1;
  MediaFault over;
  over.count = 0;
  faults.set({over, images, first_host});
  CHECK(faults.rules().size() == 2);
  const MediaTraits upload{MediaWay::upload, MediaDoor::primary, "image", "/mms/image/x"};
  const MediaTraits other{MediaWay::download, MediaDoor::fallback, "image", "/v/t62/x.enc"};
  CHECK_FALSE(faults.take(other));
  CHECK(faults.take(upload)->what == MediaFault::What::status);
  CHECK(faults.take(upload)->what == MediaFault::What::status);
  CHECK(faults.take(upload)->what == MediaFault::What::dead);
  CHECK_FALSE(faults.take(upload));
  CHECK(faults.rules().empty());
  MediaFault one;
  one.path = "/v/t62/x.enc";
  faults.set({one});
  CHECK_FALSE(faults.take(upload));
  CHECK(faults.take(other));
  MediaFault shorter;
  shorter.what = MediaFault::What::truncate;
  faults.set({shorter});
  CHECK_FALSE(faults.take(upload));  // of a download only
  CHECK(faults.take(other));
}

TEST_CASE("an upload token is known again, and nothing else is") {
  const auto secret = protocol::to_bytes("a secret"), other = protocol::to_bytes("another");
  const auto auth = make_upload_auth(secret, "15550000001", 1'234'567);
  CHECK(read_upload_auth(secret, auth) == 1'234'567);
  CHECK(make_upload_auth(secret, "15550000002", 1'234'567) != auth);
  CHECK_FALSE(read_upload_auth(other, auth));
  CHECK_FALSE(read_upload_auth(secret, ""));
  CHECK_FALSE(read_upload_auth(secret, auth.substr(1)));
  for (std::size_t i = 0; i < auth.size(); ++i) {
    auto wrong = auth;
    wrong[i] = wrong[i] == 'A' ? 'B' : 'A';
    CHECK_FALSE(read_upload_auth(secret, wrong));
  }
}
