"""Invent people: names, places and what they do, for identities and demo owners."""

import random

FIRST = ("Ada", "Bram", "Celia", "Dunstan", "Edda", "Fergus", "Greta", "Hugo", "Ines", "Jonas",
         "Kitty", "Leopold", "Marta", "Nils", "Orla", "Piers", "Quentin", "Rosa", "Silas", "Tilda",
         "Ursula", "Viktor", "Winifred", "Yusuf", "Zelda", "Ambrose", "Beatrix", "Caspar",
         "Dorothea", "Emil", "Flora", "Gideon", "Hester", "Ivo", "Juno", "Konrad", "Lydia",
         "Magnus", "Nora", "Otto")
LAST = ("Ashdown", "Brightwell", "Carrow", "Dunmore", "Ellery", "Farrant", "Goodacre", "Hollis",
        "Ivory", "Jessop", "Kettle", "Larkin", "Merrow", "Northam", "Oakes", "Pellew", "Quill",
        "Rudge", "Sallow", "Thorne", "Underhill", "Vane", "Whitlock", "Yarrow", "Appleyard",
        "Birdsall", "Coldwell", "Dray", "Eames", "Fenn", "Garland", "Hurst", "Inskip", "Jarrow",
        "Kemble", "Lovage", "Mallory", "Nettle", "Orchard", "Penrose")
PLACES = ("a harbour town", "a village in the hills", "a flat above a bakery", "the north coast",
          "a house by the canal", "a small town on the river", "an old mill",
          "the edge of the moor")
TRADES = ("a schoolteacher", "a boat builder", "a librarian", "a nurse", "a gardener", "a baker",
          "a surveyor", "a bookkeeper", "a postman", "a carpenter", "a vet", "a bus driver")


def full_name(rng: random.Random) -> str:
    """Return an invented name of two words."""
    return f"{rng.choice(FIRST)} {rng.choice(LAST)}"
