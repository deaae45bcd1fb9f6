// Bodies that bring files, into a real vault.
#include "api/media_intake.h"

#include <boost/json/parse.hpp>

#include "tests/api/vault_room.h"

using namespace wharf;
using namespace wharf::api;
using web::Field;
using web::Type;
using wharf::test::base64;
using wharf::test::media_bytes;
using wharf::test::run_ready;
using wharf::test::run_until;

namespace {

constexpr Field image_fields[] = {
    {.name = "chatId", .required = true},       {.name = "caption"},
    {.name = "mentions", .type = Type::texts},  {.name = "viewOnce", .type = Type::boolean},
    {.name = "seconds", .type = Type::integer}, {.name = "ratio", .type = Type::number},
    {.name = "options", .type = Type::object},
};
const web::Schema image_schema{"SendImage", image_fields};
const std::string form_type = "multipart/form-data; boundary=XyZ";

struct Intake : wharf::test::VaultRoom {
  explicit Intake(std::string type = "application/json", IntakeSettings s = {})
      : content_type(std::move(type)), settings(s) {
    settings.fields = &image_schema;
    again();
  }
  void again() { intake = std::make_unique<MediaIntake>(content_type, settings, new_writer()); }
  /// As the server does it; nothing after enough().
  void feed(const std::string& body, std::size_t piece = 64u << 10) {
    for (std::size_t at = 0; at < body.size() && !intake->enough(); at += piece) {
      bool taken = false;
      intake->take(body.substr(at, piece), [&] { taken = true; });
      REQUIRE(run_until(loop, [&] { return taken; }));
    }
  }
  MediaIntake::Taken take(const std::string& body, std::size_t piece = 64u << 10) {
    feed(body, piece);
    auto result = intake->finish();
    if (const auto* failure = std::get_if<Failure>(&result)) FAIL(failure->message);
    return std::get<MediaIntake::Taken>(std::move(result));
  }
  Failure refuse(const std::string& body, std::size_t piece = 64u << 10) {
    feed(body, piece);
    auto result = intake->finish();
    REQUIRE(std::holds_alternative<Failure>(result));
    intake.reset();
    CHECK(nothing_written());
    return std::get<Failure>(std::move(result));
  }
  std::string content_type;
  IntakeSettings settings;
  std::unique_ptr<MediaIntake> intake;
};

std::string part(const std::string& head, const std::string& body) {
  return "--XyZ\r\nContent-Disposition: form-data; " + head + "\r\n\r\n" + body + "\r\n";
}
const std::string form_end = "--XyZ--\r\n";

std::string field_of(const Failure& failure) { return failure.details.empty() ? "" : failure.details.at(0).first; }

}  // namespace

TEST_CASE("the media of a JSON body becomes a file, wherever it stands and however it is cut") {
  const auto piece = static_cast<std::size_t>(GENERATE(1, 7, 65536));
  const bool first = GENERATE(false, true);
  CAPTURE(piece, first);
  Intake f;
  const std::string bytes = media_bytes(1000);
  const std::string data = R"("data":"data:image/png;base64,)" + base64(bytes) + "\"";
  const std::string others = R"("chatId":"1234567890","caption":"a \"photo\"","filename":"a.png")";
  const auto taken = f.take("{" + (first ? data + "," + others : others + "," + data) + "}", piece);
  REQUIRE(taken.files.size() == 1);
  const TakenFile& file = taken.files[0];
  CHECK(file.field == "data");
  CHECK(file.content_type == "image/png");
  CHECK(file.length == 1000);
  CHECK((file.head == bytes));
  CHECK((f.content(*file.writer) == bytes));
  CHECK(taken.fields == boost::json::parse(R"({"chatId":"1234567890","caption":"a \"photo\"","filename":"a.png"})"));
}

TEST_CASE("media may be bare base64, percent-encoded, in an object, or absent") {
  Intake f;
  auto taken = f.take(R"({"media":{"data":"aGVsbG8=","filename":"h.txt"}})");
  REQUIRE(taken.files.size() == 1);
  CHECK(taken.files[0].field == "media.data");
  CHECK(f.content(*taken.files[0].writer) == "hello");
  CHECK(taken.fields == boost::json::parse(R"({"media":{"filename":"h.txt"}})"));
  f.again();
  taken = f.take(R"({"data":"data:text/plain,hello%20you"})");
  CHECK(f.content(*taken.files.at(0).writer) == "hello you");
  CHECK(taken.files[0].content_type == "text/plain");
  f.again();
  taken = f.take(R"({"chatId":"1","url":"https://h/a.png","data":""})");
  CHECK(taken.files.empty());
  CHECK(taken.fields == boost::json::parse(R"({"chatId":"1","url":"https://h/a.png","data":""})"));
  f.again();
  CHECK(f.take("").fields.empty());
}

TEST_CASE("media of the objects of a list are files, each under its place") {
  Intake f;
  const auto taken = f.take(
      R"({"files":[{"data":"Zmlyc3Q=","filename":"a"},{"url":"u"},{"data":""},{"data":"data:text/plain,last"}],"chatId":"1"})",
      static_cast<std::size_t>(GENERATE(1, 65536)));
  REQUIRE(taken.files.size() == 2);
  CHECK(taken.files[0].field == "files[0].data");
  CHECK(taken.files[1].field == "files[3].data");
  CHECK(f.content(*taken.files[0].writer) == "first");
  CHECK(f.content(*taken.files[1].writer) == "last");
  CHECK(taken.fields == boost::json::parse(R"({"files":[{"filename":"a"},{"url":"u"},{"data":""},{}],"chatId":"1"})"));
  f.again();
  const auto replaced = f.take(R"({"files":[{"data":"YQ=="},{"data":"Yg=="}],"files":[{"data":"Yw=="}]})");
  REQUIRE(replaced.files.size() == 1);
  CHECK(f.content(*replaced.files[0].writer) == "c");
}

TEST_CASE("a field of a form that is there twice is refused by name, a list of texts is not") {
  Intake f(form_type);
  const auto two = [](const std::string& name) {
    return part("name=\"" + name + "\"", "1") + part("name=\"" + name + "\"", "1") + form_end;
  };
  const std::string name = GENERATE("caption", "viewOnce", "seconds", "options", "notKnown");
  CHECK(field_of(f.refuse(two(name))) == name);
  f.again();
  CHECK(f.take(two("mentions")).fields == boost::json::parse(R"({"mentions":["1","1"]})"));
}

TEST_CASE("of two members of one name the last counts, and the file of the first is gone") {
  Intake f;
  SECTION("another text") {
    const auto taken = f.take(R"({"data":"b25l","data":"dHdv"})");
    REQUIRE(taken.files.size() == 1);
    CHECK(taken.files[0].length == 3);
    CHECK(f.content(*taken.files[0].writer) == "two");
  }
  SECTION("something else") {
    const auto taken = f.take(R"({"data":"b25l","data":5})");
    CHECK(taken.files.empty());
    CHECK(taken.fields.at("data") == 5);
  }
  CHECK(f.nothing_written());
}

TEST_CASE("a form brings files in order and fields as the schema reads them") {
  const auto piece = static_cast<std::size_t>(GENERATE(1, 5, 65536));
  Intake f(form_type);
  const std::string one = media_bytes(300, 1), two = media_bytes(200, 2);
  const auto taken = f.take(part("name=\"chatId\"", "1234567890") +
                                part("name=\"image\"; filename=\"../a.png\"\r\nContent-Type: image/png", one) +
                                part("name=\"mentions\"", "111") + part("name=\"viewOnce\"", "True") +
                                part("name=\"data\"\r\nContent-Type: application/octet-stream", two) +
                                part("name=\"mentions\"", "222") + part("name=\"seconds\"", "12") +
                                part("name=\"ratio\"", "0.5") + part("name=\"options\"", R"({"a":1})") +
                                part("name=\"caption\"", "true") + part("name=\"more\"; filename=\"\"", "") + form_end,
                            piece);
  REQUIRE(taken.files.size() == 2);
  CHECK(taken.files[0].field == "image");
  CHECK(taken.files[0].file_name == "../a.png");  // not safe yet
  CHECK(taken.files[0].content_type == "image/png");
  CHECK((f.content(*taken.files[0].writer) == one));
  CHECK(taken.files[1].field == "data");
  CHECK(taken.files[1].file_name.empty());
  CHECK((f.content(*taken.files[1].writer) == two));
  CHECK(
      taken.fields ==
      boost::json::parse(
          R"({"chatId":"1234567890","mentions":["111","222"],"viewOnce":true,"seconds":12,"ratio":5E-1,"options":{"a":1},"caption":"true"})"));
}

TEST_CASE("of several files with one name each has a name of its own") {
  const auto piece = static_cast<std::size_t>(GENERATE(1, 65536));
  Intake f(form_type);
  const auto file = [](const std::string& name, const std::string& bytes) {
    return part("name=\"" + name + "\"; filename=\"a\"", bytes);
  };
  const auto no_file = part("name=\"file\"; filename=\"\"", "");
  const auto fields_of = [](const std::vector<TakenFile>& files) {
    std::vector<std::string> fields;
    for (const TakenFile& one : files) fields.push_back(one.field);
    return fields;
  };
  using Fields = std::vector<std::string>;
  CHECK(fields_of(
            f.take(file("file", "1") + no_file + file("media", "2") + file("file", "3") + file("file", "4") + form_end,
                   piece)
                .files) == Fields{"file[0]", "media", "file[1]", "file[2]"});
  f.again();
  CHECK(fields_of(f.take(no_file + file("file", "1") + form_end, piece).files) == Fields{"file"});
  f.again();
  CHECK(field_of(f.refuse(file("file", "1") + file("file", "") + form_end, piece)) == "file[1]");
  f.again();
  f.settings.max_files = 2;
  f.again();
  CHECK(field_of(f.refuse(file("file", "1") + file("file", "2") + file("file", "3") + form_end, piece)) == "file[2]");
  f.settings.max_file_bytes = 3;
  f.again();
  CHECK(field_of(f.refuse(file("file", "1") + file("file", "1234") + form_end, piece)) == "file[1]");
  f.again();
  CHECK(field_of(f.refuse(part("name=\"data\"", "YQ==") + part("name=\"data\"", "?") + form_end, piece)) == "data[1]");
}

TEST_CASE("a form may hold a file as text too, and a text where a file was meant is refused") {
  const auto piece = static_cast<std::size_t>(GENERATE(1, 65536));
  Intake f(form_type);
  SECTION("a data URL") {
    const auto taken = f.take(part("name=\"data\"", "data:text/plain;base64,dHdv") + form_end, piece);
    REQUIRE(taken.files.size() == 1);
    CHECK(taken.files[0].content_type == "text/plain");
    CHECK(f.content(*taken.files[0].writer) == "two");
  }
  SECTION("base64") {
    const auto taken = f.take(part("name=\"data\"", "dHdv") + form_end, piece);
    REQUIRE(taken.files.size() == 1);
    CHECK(f.content(*taken.files[0].writer) == "two");
  }
  SECTION("a forgotten @") {
    const Failure why = f.refuse(part("name=\"file\"", "a.pdf") + form_end);
    CHECK(why.code == ErrorCode::validation);
    CHECK(why.details.at(0).first == "file");
    CHECK(f.writers == 0);
  }
}

TEST_CASE("files that come to nothing count too, and cost no writer") {
  Intake f;
  std::string body = "{";
  for (int i = 0; i < 40; ++i) body += R"("data":"",)";
  const Failure why = f.refuse(body + R"("chatId":"1"})");
  CHECK(why.code == ErrorCode::validation);
  CHECK(f.writers == 0);
}

TEST_CASE("a field that does not read as its type stays a text, for the validation to find") {
  Intake f(form_type);
  const auto taken = f.take(part("name=\"viewOnce\"", "yes") + part("name=\"seconds\"", "12s") +
                            part("name=\"ratio\"", "inf") + part("name=\"options\"", "{") + form_end);
  CHECK(taken.fields == boost::json::parse(R"({"viewOnce":"yes","seconds":"12s","ratio":"inf","options":"{"})"));
}

TEST_CASE("nothing is taken before it is written, and a large file is kept by its head alone") {
  Intake f;
  const std::string bytes = media_bytes(3u << 20);
  const std::string body = R"({"data":")" + base64(bytes) + "\"}";
  bool taken = false;
  f.intake->take(body.substr(0, 65536), [&] { taken = true; });
  CHECK_FALSE(taken);
  CHECK(f.writers == 1);
  REQUIRE(run_until(f.loop, [&] { return taken; }));
  CHECK(f.files("writing") == 1);
  const auto whole = f.take(body.substr(65536));
  CHECK(whole.files.at(0).length == bytes.size());
  CHECK((whole.files[0].head == bytes.substr(0, 64u << 10)));
  CHECK((f.content(*whole.files[0].writer) == bytes));
}

TEST_CASE("broken media names its field and place, and leaves nothing") {
  Intake f;
  const std::string name = GENERATE("data", "media.data");
  std::string text = base64(media_bytes(150'000));
  text[140'000] = '!';
  const std::string member = "\"data\":\"" + text + "\"";
  const Failure failure = f.refuse(name == "data" ? "{" + member + "}" : "{\"media\":{" + member + "}}");
  CHECK(failure.code == ErrorCode::validation);
  CHECK(field_of(failure) == name);
  CHECK(failure.message.find("'!' at offset 140000") != std::string::npos);
}

TEST_CASE("what is cut off or no body at all is refused") {
  Intake json, form(form_type);
  CHECK(field_of(json.refuse(R"({"data":"aGVsbG8)")) == "body");
  json.again();
  CHECK(field_of(json.refuse("[1]")) == "body");
  json.again();
  CHECK(field_of(json.refuse(R"({"data":"aGVsbG8x=")")) == "data");
  CHECK(field_of(form.refuse(part("name=\"file\"; filename=\"a\"", "half"))) == "body");
  form.again();
  CHECK(field_of(form.refuse("")) == "body");
}

TEST_CASE("a file over the limit is refused with the limit, and a little more than it is read at most") {
  Intake f(GENERATE(as<std::string>(), "application/json", form_type), {.max_file_bytes = 100'000});
  const std::string bytes = media_bytes(6u << 20);
  std::string body = f.content_type == form_type ? part("name=\"file\"; filename=\"a\"", bytes) + form_end
                                                 : R"({"data":")" + base64(bytes) + "\"}";
  SECTION("by much") {
    std::size_t read = 0;
    for (; !f.intake->enough(); read += 65536) f.feed(body.substr(read, 65536));
    CHECK(read <= MediaIntake::max_discarded_bytes + 4 * 65536);
  }
  SECTION("by a byte") {
    const std::string less = media_bytes(100'001);
    body = f.content_type == form_type ? part("name=\"file\"; filename=\"a\"", less) + form_end
                                       : R"({"data":")" + base64(less) + "\"}";
    f.feed(body);
    CHECK_FALSE(f.intake->enough());  // its connection lives
  }
  const Failure failure = f.refuse("");
  CHECK(failure.code == ErrorCode::payload_too_large);
  CHECK(field_of(failure) == (f.content_type == form_type ? "file" : "data"));
  CHECK(failure.message.find("100000 bytes") != std::string::npos);
}

TEST_CASE("a file of exactly the limit is taken") {
  Intake f("application/json", {.max_file_bytes = 100'000});
  CHECK(f.take(R"({"data":")" + base64(media_bytes(100'000)) + "\"}").files.at(0).length == 100'000);
}

TEST_CASE("a form is bounded in files and fields, its texts are UTF-8, its files are not empty") {
  struct Case {
    std::string body, field;
    ErrorCode code;
  };
  std::string eleven;
  for (int i = 0; i < 11; ++i) eleven += part("name=\"f" + std::to_string(i) + "\"; filename=\"a\"", "bytes");
  std::string many;
  for (int i = 0; i < 9; ++i) many += part("name=\"t" + std::to_string(i) + "\"", std::string(64u << 10, 'x'));
  const Case cases[] = {
      {eleven + form_end, "f10", ErrorCode::validation},
      {part("name=\"caption\"", std::string((64u << 10) + 1, 'x')) + form_end, "caption", ErrorCode::payload_too_large},
      {many + form_end, "body", ErrorCode::payload_too_large},
      {part("name=\"caption\"", "\xc3\x28") + form_end, "caption", ErrorCode::validation},
      {part("name=\"a\"; filename=\"a.png\"", "") + form_end, "a", ErrorCode::validation},
  };
  for (const Case& bad : cases) {
    Intake f(form_type);
    const Failure failure = f.refuse(bad.body);
    INFO(failure.message);
    CHECK(field_of(failure) == bad.field);
    CHECK(failure.code == bad.code);
  }
}

TEST_CASE("a client that goes in the middle leaves nothing, written or being written") {
  Intake f(GENERATE(as<std::string>(), "application/json", form_type));
  const std::string bytes = media_bytes(200'000);
  const std::string body = f.content_type == form_type ? part("name=\"file\"; filename=\"a\"", bytes) + form_end
                                                       : R"({"data":")" + base64(bytes) + "\"}";
  f.feed(body.substr(0, 131072));
  REQUIRE(f.files("writing") == 1);
  bool taken = false;
  SECTION("between pieces") {}
  SECTION("while one is being written") {
    f.intake->take(body.substr(131072, 10'000), [&] { taken = true; });
  }
  f.intake.reset();
  CHECK(f.nothing_written());
  CHECK_FALSE(taken);
  CHECK(f.files("outgoing") == 0);
}

TEST_CASE("files that nobody finishes are gone") {
  Intake f;
  { const auto taken = f.take(R"({"data":"aGVsbG8="})"); }
  CHECK(f.nothing_written());
  CHECK(f.files("outgoing") == 0);
}

TEST_CASE("another type is answered 415, whatever its body says") {
  Intake f(GENERATE(as<std::string>(), "text/plain", "", "application/octet-stream"));
  CHECK_FALSE(MediaIntake::reads(f.content_type));
  CHECK(f.refuse(R"({"data":"aGVsbG8="})").code == ErrorCode::unsupported_media_type);
  CHECK(f.writers == 0);
}

TEST_CASE("a form without a boundary is refused") {
  Intake f("multipart/form-data");
  CHECK(MediaIntake::reads(f.content_type));
  CHECK(f.refuse("--x\r\n").code == ErrorCode::validation);
}

TEST_CASE("a disk that takes nothing is told as such, and its body is not read to the end") {
  Intake f;
  std::filesystem::remove_all(f.directory + "/media/writing");
  f.feed(R"({"data":")" + base64(media_bytes(4u << 20)) + "\"}");
  CHECK(f.intake->enough());
  const auto result = f.intake->finish();
  REQUIRE(std::holds_alternative<Failure>(result));
  CHECK(std::get<Failure>(result).code == ErrorCode::storage);
}
