import mmst.errors as errors


def test_every_error_of_a_user_has_one_root_and_says_who_raises_it():
    children = [e for e in vars(errors).values() if isinstance(e, type) and issubclass(e, Exception)]
    assert len(children) >= 6
    assert all(issubclass(error, errors.UserError) and error.__doc__ for error in children)


def test_a_missing_extra_names_its_command():
    assert "`pip install x`" in str(errors.MissingExtraError("tracker=wandb", "pip install x"))
