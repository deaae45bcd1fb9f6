#include "protocol/media/media_urls.h"

#include <catch2/catch.hpp>

#include "tests/support/vectors.h"

using namespace wharf::protocol;
using wharf::test::hex;
using wharf::test::text;
using wharf::test::vectors;

namespace {

const boost::json::object& urls() { return vectors("media").at("urls").as_object(); }
std::string_view input(std::string_view key) { return text(urls().at("inputs").as_object(), key); }
Digest32 file_hash() { return exactly<32>(hex(input("fileEncSha256"))).value(); }
const std::vector<std::string> vector_host = {"mmg.example.test"};

std::string on_vector_host(std::string_view target) { return "https://" + vector_host[0] + std::string(target); }

Result<std::vector<DownloadTarget>> targets(const MediaLocation& location,
                                            const std::vector<std::string>& hosts = vector_host) {
  return download_targets(location, file_hash(), MediaKind::image, hosts);
}

MediaLocation at_path(std::string_view path) { return {{}, std::string(path), {}}; }
MediaLocation at_url(std::string_view url) { return {{}, {}, std::string(url)}; }

}  // namespace

TEST_CASE("the upload and history urls of the vectors come out") {
  const std::string_view auth = input("auth");
  const std::string upload = upload_target(MediaKind::image, file_hash(), auth);
  REQUIRE(on_vector_host(upload) == text(urls(), "upload"));
  REQUIRE(on_vector_host(resume_query_target(upload)) == text(urls(), "uploadResumeCheck"));
  REQUIRE(on_vector_host(resume_target(upload, 1'048'576)) == text(urls(), "uploadFromOffset"));
  REQUIRE(on_vector_host(delete_history_target(file_hash(), input("directPathWithQuery"), auth, {})) ==
          text(urls(), "deleteHistory"));
  REQUIRE(delete_history_target(file_hash(), "/v/x", auth, "a/b").ends_with("%26x&e_handle=a%2Fb"));

  const auto& plain = vectors("media").at("newsletterUnencrypted").as_object();
  const Digest32 hash = exactly<32>(hex(plain.at("fileSha256"))).value();
  REQUIRE(on_vector_host(*newsletter_upload_target(MediaKind::image, hash, auth)) == text(urls(), "newsletterUpload"));
  REQUIRE_FALSE(newsletter_upload_target(MediaKind::history, hash, auth));
}

TEST_CASE("the upload tokens of the vectors are written unpadded and read either way") {
  const auto& files = vectors("media").at("files").as_array();
  REQUIRE(files.size() == 11);
  for (const auto& entry : files) {
    const Digest32 hash = exactly<32>(hex(entry.at("fileEncSha256"))).value();
    REQUIRE(upload_token(hash) == text(entry.as_object(), "tokenUnpadded"));
    REQUIRE(read_upload_token(text(entry.as_object(), "tokenUnpadded")) == hash);
    REQUIRE(read_upload_token(text(entry.as_object(), "tokenPadded")) == hash);
  }
  const std::string token = upload_token(Digest32{0xfb, 0xff, 0xfe});
  REQUIRE(token.starts_with("-__-"));
  REQUIRE(read_upload_token(token));
  for (const std::string& bad :
       {std::string(), token.substr(1), token + "A", token + "==", token.substr(0, 42) + "B", "+" + token.substr(1),
        "/" + token.substr(1), "!" + token.substr(1), "\xff" + token.substr(1), std::string(1000, 'A')})
    REQUIRE_FALSE(read_upload_token(bad));
}

TEST_CASE("the download urls of the vectors come out, with and without a query in the direct path") {
  const auto with_query = targets(at_path(input("directPathWithQuery")));
  const auto without_query = targets(at_path(input("directPathWithoutQuery")));
  REQUIRE(with_query.value().size() == 1);
  REQUIRE(with_query->at(0).host == vector_host[0]);
  REQUIRE(on_vector_host(with_query->at(0).target) == text(urls(), "downloadWithQuery"));
  REQUIRE(on_vector_host(without_query.value().at(0).target) == text(urls(), "downloadWithoutQuery"));
}

TEST_CASE("a file without the hash of what lies on the server is asked for by its type alone") {
  const auto plain = download_targets(at_path("/v/x?a=1"), std::nullopt, MediaKind::video, vector_host);
  REQUIRE(plain.value() == std::vector<DownloadTarget>{{vector_host[0], "/v/x?a=1&mms-type=video&__wa-mms="}});
}

TEST_CASE("all hosts are tried in their order, the known ones when there is none, none twice") {
  const auto hosts_of = [](const MediaLocation& location, const std::vector<std::string>& hosts) {
    const auto found = targets(location, hosts);
    std::vector<std::string> names;
    for (const DownloadTarget& target : found.value()) names.push_back(target.host);
    return names;
  };
  using Names = std::vector<std::string>;
  REQUIRE(hosts_of(at_path("/v/x"), {"b.test:8443", "a.test", "B.test:8443"}) == Names{"b.test:8443", "a.test"});
  REQUIRE(hosts_of(at_path("/v/x"), {}) == Names{"mmg.whatsapp.net", "mmg-fallback.whatsapp.net"});
  REQUIRE(hosts_of(at_url("https://media-fra1.cdn.whatsapp.net/v/x"), {"a.test"}) ==
          Names{"media-fra1.cdn.whatsapp.net", "a.test"});
  REQUIRE(hosts_of(at_url("https://MMG.whatsapp.net:443/v/x"), {}) ==
          Names{"mmg.whatsapp.net", "mmg-fallback.whatsapp.net"});
  REQUIRE(hosts_of(at_path("/v/x"), {"a b", "a.test"}) == Names{"a.test"});
}

TEST_CASE("a url counts when it is https and leads to a media host") {
  const auto listed = targets(at_url("https://127.0.0.1:7443/v/t62/a.enc?oe=1"), {"127.0.0.1:7443"});
  REQUIRE(listed.value().size() == 1);
  REQUIRE(listed->at(0).target.starts_with("/v/t62/a.enc?oe=1&hash="));
  for (const char* bad : {"http://mmg.whatsapp.net/v/x",
                          "https://evil.test/v/x",
                          "https://mmg.whatsapp.net.evil.test/v/x",
                          "https://evilwhatsapp.net/v/x",
                          "https://whatsapp.net/v/x",
                          "https://.whatsapp.net/v/x",
                          "https://mmg.whatsapp.net@evil.test/v/x",
                          "https://evil.test/@mmg.whatsapp.net/v/x",
                          "https://evil.test#.whatsapp.net/v/x",
                          "https://evil.test\\.whatsapp.net/v/x",
                          "https://mmg.whatsapp.net:8443/v/x",
                          "https://mmg.whatsapp.net",
                          "https:///v/x",
                          "https://",
                          "ftp://x/",
                          "mmg.whatsapp.net/v/x",
                          "https://mmg.whatsapp.net/v x",
                          "https://mmg.whatsapp.net/v\r\nHost: evil.test",
                          "https://127.0.0.1:7444/v/x",
                          "https://127.0.0.1/v/x"}) {
    CAPTURE(bad);
    REQUIRE(targets(at_url(bad), {"127.0.0.1:7443"}).error().code == Errc::refused);
  }
}

TEST_CASE("a direct path must be one, whatever else the message names") {
  for (const std::string& bad :
       {std::string("v/x"), std::string("https://mmg.whatsapp.net/v/x"), std::string("/v/x y"), std::string("/v/x#y"),
        std::string("/v\r\nX: y"), std::string("/v/\xc3\xa9"), "/" + std::string(4096, 'a'), std::string(1, '\0')}) {
    REQUIRE(targets({{}, bad, "https://mmg.whatsapp.net/v/x"}).error().code == Errc::malformed);
  }
  REQUIRE(targets(at_path("/" + std::string(4095, 'a'))));
  REQUIRE(targets({}).error().code == Errc::not_found);
}

TEST_CASE("a static url is used as it is, on a media host only") {
  const MediaLocation channel{"https://mmg.whatsapp.net/static/x?y=1", "/v/x", {}};
  REQUIRE(targets(channel).value() == std::vector<DownloadTarget>{{"mmg.whatsapp.net", "/static/x?y=1"}});
  const auto foreign = targets({"https://evil.test/static/x", "/v/x", {}});
  REQUIRE(foreign.value().size() == 1);
  REQUIRE(foreign->at(0).host == vector_host[0]);
  REQUIRE(foreign->at(0).target.starts_with("/v/x?"));
  REQUIRE(targets({"https://evil.test/static/x", {}, {}}).error().code == Errc::not_found);
}

TEST_CASE("hosts are names or IPv4 addresses, with a port or without") {
  for (const char* good : {"mmg.whatsapp.net", "127.0.0.1", "localhost:1", "a-b.test:65535", "x"})
    REQUIRE(acceptable_media_host(good));
  for (const std::string& bad :
       {std::string(), std::string("a/b"), std::string("a@b"), std::string("a b"), std::string("a:"),
        std::string("a:0"), std::string("a:65536"), std::string("a:-1"), std::string("a:1x"), std::string("a:1:2"),
        std::string(":1"), std::string(".a"), std::string("a."), std::string("a..b"), std::string("-a"),
        std::string("a?b"), std::string("[::1]"), std::string("a\0b", 3), std::string(254, 'a')}) {
    CAPTURE(bad);
    REQUIRE_FALSE(acceptable_media_host(bad));
  }
}

TEST_CASE("an upload answer needs a url and a direct path that can be used") {
  const UploadAnswer good{"https://mmg.whatsapp.net/v/x?oe=1", "/v/x?oe=1", {}, {}, {}};
  REQUIRE(check_upload(good));
  for (const auto& [url, path] : std::vector<std::pair<std::string, std::string>>{
           {"", "/v/x"}, {good.url, ""}, {good.url, "v/x"}, {"http://mmg.whatsapp.net/v/x", "/v/x"}, {"x", "/v/x"}}) {
    REQUIRE(check_upload({url, path, {}, {}, {}}).error().code == Errc::malformed);
  }
}

TEST_CASE("a resume answer says complete, an offset inside the file, or nothing usable") {
  const auto offset = [](std::string_view resume) {
    return resume_offset({"https://mmg.whatsapp.net/v/x", "/v/x", {}, {}, std::string(resume)}, 1000);
  };
  REQUIRE(offset("complete") == 1000);
  REQUIRE(offset("1") == 1);
  REQUIRE(offset("999") == 999);
  for (const char* none : {"0", "1000", "1001", "-5", "5x", "", " 5", "99999999999999999999999", "Complete"})
    REQUIRE(offset(none) == 0);
  REQUIRE(resume_offset({{}, {}, {}, {}, "complete"}, 1000) == 0);  // complete, but where?
}
