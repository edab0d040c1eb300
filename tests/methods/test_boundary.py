from mmst.methods.boundary import boundary_of, line_breaks


class Joining:
    """Has one token for each text without a space."""

    def encode(self, text, add_special_tokens):
        return text.split(" ")


def test_without_a_clean_end_a_prompt_ends_in_its_cue():
    assert boundary_of(Joining())("Answer:", "") == 0


def test_the_boundary_moves_behind_what_is_joined_to_the_cue():
    assert boundary_of(Joining())("Answer:", " ") == 0
    assert boundary_of(Joining())("Answer", ": ") == 1


def test_of_an_unknown_tokenizer_line_breaks_belong_to_the_cue():
    assert [line_breaks("Program:", lead) for lead in ("\n", " ", "\n\n", "")] == [1, 0, 2, 0]
