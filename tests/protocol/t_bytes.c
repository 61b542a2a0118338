#include "protocol/bytes.h"
#include "tests/tap.h"

static void short_input_reads_zero_and_sticks(void)
{
	const uint8_t in[3] = {1, 2, 3};
	struct reader r;
	uint8_t out[2] = {9, 9};

	reader_init(&r, in, sizeof in);
	is_int(read_u16(&r), 0x0102, "what is there is read");
	is_int(read_u32(&r), 0, "an overrun reads zero");
	ok(r.bad, "and is remembered");
	is_int(read_u8(&r), 0, "nothing is read after it, though a byte is left");
	read_bytes(&r, out, 2);
	ok(out[0] == 0 && out[1] == 0, "bytes are zeroed");
	ok(!reader_done(&r), "the reader is not done");
}

static void all_widths_come_back(void)
{
	uint8_t buffer[15];
	struct writer w;
	struct reader r;

	writer_init(&w, buffer, sizeof buffer);
	write_u8(&w, 0xfe);
	write_u16(&w, 0xfedc);
	write_u32(&w, 0xfedcba98);
	write_u64(&w, 0xfedcba9876543210);
	ok(!w.bad && w.used == 15, "fifteen bytes fit");
	ok(buffer[1] == 0xfe && buffer[14] == 0x10, "big-endian");
	reader_init(&r, buffer, w.used);
	ok(read_u8(&r) == 0xfe && read_u16(&r) == 0xfedc && read_u32(&r) == 0xfedcba98 &&
		   read_u64(&r) == 0xfedcba9876543210,
	   "read back");
	ok(reader_done(&r), "done");
	write_u8(&w, 1);
	ok(w.bad && w.used == 15, "one more sticks");
}

static void hexadecimal_is_exact(void)
{
	uint8_t out[2];
	char text[5];

	ok(hex_decode(out, 2, "00fF") && out[1] == 0xff, "both cases");
	ok(!hex_decode(out, 2, "00f") && !hex_decode(out, 2, "00ff0") &&
		   !hex_decode(out, 2, "0g00"),
	   "short, long and foreign digits are refused");
	is_str(hex_encode(text, out, 2), "00ff", "written in lower case");
}

static void names_are_small_words(void)
{
	ok(name_valid("kp-cerc") && name_valid("a") &&
		   name_valid("0123456789012345678901234567890"),
	   "letters, digits, hyphens, up to 31");
	ok(!name_valid("") && !name_valid("KP") && !name_valid("a b") &&
		   !name_valid("01234567890123456789012345678901"),
	   "nothing else");
}

static void tlp_words_are_forgiving(void)
{
	enum tlp t;

	ok(tlp_parse("TLP:AMBER+STRICT", &t) && t == TLP_AMBER_STRICT, "with the prefix");
	ok(tlp_parse("white", &t) && t == TLP_CLEAR, "white is clear");
	ok(!tlp_parse("amberstrict", &t) && !tlp_parse("", &t), "but not of anything");
}

int main(void)
{
	RUN(short_input_reads_zero_and_sticks);
	RUN(all_widths_come_back);
	RUN(hexadecimal_is_exact);
	RUN(names_are_small_words);
	RUN(tlp_words_are_forgiving);
	return tap_done();
}
