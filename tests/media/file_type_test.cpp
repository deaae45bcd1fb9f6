#include "media/file_type.h"

#include <catch2/catch.hpp>
#include <thread>
#include <vector>

#include "tests/media/image_files.h"

using namespace wharf::media;
using namespace wharf::media::test;
using wharf::protocol::as_bytes;
using wharf::protocol::concat;
using wharf::protocol::to_bytes;

namespace {

/// The first page of a stream whose first packet begins so (RFC 3533 section 6).
Bytes ogg_page(std::string_view packet) {
  return concat(as_bytes("OggS"), Bytes{0, 2}, Bytes(8), Bytes{1, 0, 0, 0}, Bytes(4), Bytes(4), Bytes{1},
                Bytes{static_cast<std::uint8_t>(packet.size())}, as_bytes(packet));
}

std::string_view opus_head() { return {"OpusHead\1\1\x38\1\x80\xbb\0\0\0\0\0", 19}; }
std::string_view vorbis_head() { return {"\1vorbis\0\0\0\0\1\x80\xbb\0\0\0\0\0\0\x80\xbb\0\0\0\0\0\0\xb8\1", 30}; }

/// A stored file in an archive (APPNOTE 4.3.7), without its directory: that is at the end, where no head reaches.
Bytes zip_member(std::string_view name, std::string_view content) {
  const auto number = [](std::size_t value, std::size_t width) {
    Bytes bytes = wharf::protocol::big_endian(static_cast<std::uint32_t>(value), width);
    std::reverse(bytes.begin(), bytes.end());
    return bytes;
  };
  return concat(as_bytes("PK\x03\x04"), number(20, 2), number(0, 2), number(0, 2), number(0, 4), number(0, 4),
                number(content.size(), 4), number(content.size(), 4), number(name.size(), 2), number(0, 2),
                as_bytes(name), as_bytes(content));
}

Bytes office_file(std::string_view part) {
  return concat(zip_member("[Content_Types].xml", "<Types/>"), zip_member("_rels/.rels", "<Relationships/>"),
                zip_member("docProps/app.xml", "<Properties/>"), zip_member("customXml/item1.xml", "<a/>"),
                zip_member(part, "<document/>"));
}

Bytes mp4_file(std::string_view brand) {
  return concat(Bytes{0, 0, 0, 24}, as_bytes("ftyp"), as_bytes(brand), Bytes{0, 0, 2, 0}, as_bytes(brand),
                as_bytes("mp41"), Bytes{0, 0, 0, 8}, as_bytes("moov"));
}

std::string sniff_text(std::string_view text) { return sniff_type(as_bytes(text)); }

constexpr std::string_view docx = "application/vnd.openxmlformats-officedocument.wordprocessingml.document";
constexpr std::string_view xlsx = "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet";
constexpr std::string_view pptx = "application/vnd.openxmlformats-officedocument.presentationml.presentation";

}  // namespace

TEST_CASE("pictures are known by their bytes") {
  const Raster picture = quadrants({40, 30});
  CHECK(sniff_type(jpeg_file(picture)) == "image/jpeg");
  CHECK(sniff_type(png_file(picture)) == "image/png");
  CHECK(sniff_type(webp_file(picture)) == "image/webp");
  CHECK(sniff_type(animated_webp({picture, gradient({40, 30})})) == "image/webp");
  CHECK(sniff_type(gif_file(10, 10, 1, false)) == "image/gif");
}

TEST_CASE("Opus in Ogg is told from other sound in Ogg") {
  CHECK(sniff_type(ogg_page(opus_head())) == "audio/ogg; codecs=opus");
  CHECK(sniff_type(ogg_page(vorbis_head())) == "audio/ogg");
  // The name elsewhere in the page does not count.
  CHECK(sniff_type(ogg_page("\1vorbis OpusHead OpusHead OpusHead")) == "audio/ogg");
  const Bytes page = ogg_page(opus_head());
  CHECK(sniff_type(ByteView(page).first(30)) != "audio/ogg; codecs=opus");
}

TEST_CASE("sound and video have their registered names") {
  CHECK(sniff_type(mp4_file("isom")) == "video/mp4");
  CHECK(sniff_type(mp4_file("mp42")) == "video/mp4");
  CHECK(sniff_type(mp4_file("M4A ")) == "audio/mp4");
  CHECK(sniff_type(mp4_file("M4V ")) == "video/mp4");
  CHECK(sniff_type(mp4_file("qt  ")) == "video/quicktime");
  CHECK(sniff_type(mp4_file("3gp4")) == "video/3gpp");
  CHECK(sniff_type(mp4_file("heic")) == "image/heic");
  CHECK(sniff_type(concat(as_bytes("RIFF"), Bytes{36, 0, 0, 0}, as_bytes("WAVEfmt "),
                          Bytes{16, 0, 0, 0, 1, 0, 1, 0, 0x80, 0xbb, 0, 0, 0, 0x77, 1, 0, 2, 0, 16, 0},
                          as_bytes("data"), Bytes(4))) == "audio/wav");
  CHECK(sniff_type(concat(as_bytes("ID3"), Bytes{3, 0, 0, 0, 0, 0, 10}, Bytes(10), Bytes{0xff, 0xfb, 0x90, 0x64},
                          Bytes(400))) == "audio/mpeg");
  CHECK(sniff_type(concat(as_bytes("fLaC"), Bytes{0, 0, 0, 34}, Bytes(34))) == "audio/flac");
  CHECK(sniff_text("#!AMR\n\x3c") == "audio/amr");
}

TEST_CASE("documents are known from their first kilobytes") {
  CHECK(sniff_text("%PDF-1.7\n%\xe2\xe3\xcf\xd3\n") == "application/pdf");
  CHECK(sniff_type(office_file("word/document.xml")) == docx);
  CHECK(sniff_type(office_file("xl/workbook.xml")) == xlsx);
  CHECK(sniff_type(office_file("ppt/presentation.xml")) == pptx);
  CHECK(sniff_type(zip_member("mimetype", "application/vnd.oasis.opendocument.text")) ==
        "application/vnd.oasis.opendocument.text");
  CHECK(sniff_type(concat(zip_member("AndroidManifest.xml", "x"), zip_member("classes.dex", "y"))) ==
        "application/vnd.android.package-archive");
  CHECK(sniff_type(zip_member("holiday.jpg", "...")) == "application/zip");
  CHECK(sniff_type(zip_member("my word/document.xml", "...")) == "application/zip");
}

TEST_CASE("text is text, whatever it looks like") {
  CHECK(sniff_text("Dear Anna,\nthe parcel is here.\n") == "text/plain");
  CHECK(sniff_text("name,amount\nAnna,3\nBen,4\n") == "text/plain");
  CHECK(sniff_text("#include <stdio.h>\nint main(void) { return 0; }\n") == "text/plain");
  CHECK(sniff_text("Gr\xc3\xbc\xc3\x9f"
                   "e aus Z\xc3\xbcrich\n") == "text/plain");
  CHECK(sniff_text("{\"a\": [1, 2, 3]}") == "application/json");
  CHECK(sniff_text("BEGIN:VCARD\r\nVERSION:3.0\r\nFN:Anna\r\nEND:VCARD\r\n") == "text/vcard");
  CHECK(sniff_text("BEGIN:VCALENDAR\r\nVERSION:2.0\r\nEND:VCALENDAR\r\n") == "text/calendar");
}

TEST_CASE("what is not recognised is a string of bytes") {
  CHECK(sniff_type({}) == "application/octet-stream");
  CHECK(sniff_type(Bytes{0}) == "application/octet-stream");
  CHECK(sniff_type(noise({64, 64}).rgba) == "application/octet-stream");
  CHECK(sniff_type(Bytes(sniffed_bytes + 10)) == "application/octet-stream");
}

TEST_CASE("archives are not looked into") {
  // A gzip whose content would be a picture.
  const Bytes packed = concat(Bytes{0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 3}, deflated(png_file(quadrants({40, 30}))));
  CHECK(sniff_type(packed) == "application/gzip");
}

TEST_CASE("several threads may sniff at once") {
  const Bytes file = png_file(quadrants({40, 30}));
  std::vector<std::string> types(3);
  std::vector<std::thread> threads;
  for (std::string& type : types) threads.emplace_back([&] { type = sniff_type(file); });
  for (std::thread& thread : threads) thread.join();
  CHECK(types == std::vector<std::string>(3, "image/png"));
}

TEST_CASE("a type by the name of a file") {
  CHECK(type_for_name("report.pdf") == "application/pdf");
  CHECK(type_for_name("REPORT.PDF") == "application/pdf");
  CHECK(type_for_name("2026.11.29 data.csv") == "text/csv");
  CHECK(type_for_name("letter.docx") == docx);
  CHECK(type_for_name("table.xlsx") == xlsx);
  CHECK(type_for_name("talk.pptx") == pptx);
  CHECK(type_for_name("photo.jpeg") == "image/jpeg");
  CHECK(type_for_name("note.opus") == "audio/ogg; codecs=opus");
  CHECK(type_for_name("contact.vcf") == "text/vcard");
  CHECK(type_for_name("app.apk") == "application/vnd.android.package-archive");
  for (const std::string_view name :
       {"", ".", "pdf", "README", ".pdf", "dir/.pdf", "a.", "a.pdf.", "a.unknown", "a.b/c"})
    CHECK(type_for_name(name).empty());
  CHECK(type_for_name("a." + std::string(100'000, 'x')).empty());
}

TEST_CASE("an extension for a type") {
  CHECK(extension_for_type("image/jpeg") == ".jpg");
  CHECK(extension_for_type("Image/JPEG") == ".jpg");
  CHECK(extension_for_type("text/plain; charset=utf-8") == ".txt");
  CHECK(extension_for_type("audio/ogg; codecs=opus") == ".ogg");
  CHECK(extension_for_type("audio/ogg ;codecs=opus") == ".ogg");
  CHECK(extension_for_type("audio/mp4") == ".m4a");
  CHECK(extension_for_type(docx) == ".docx");
  for (const std::string_view type : {"", "image", "image/", "application/octet-stream", "; codecs=opus"})
    CHECK(extension_for_type(type).empty());
}

TEST_CASE("a type and its extension lead to each other") {
  for (const std::string_view type :
       {"image/webp", "video/mp4", "video/quicktime", "audio/mpeg", "audio/wav", "application/zip", "text/calendar",
        "application/json", "text/csv", "application/vnd.ms-excel"})
    CHECK(type_for_name("file" + std::string(extension_for_type(type))) == type);
}
