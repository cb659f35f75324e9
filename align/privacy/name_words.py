"""Words for names: which ones are words too, and the names that stand in for listed ones."""


def _lexicon(text: str) -> frozenset[str]:
    return frozenset(text.split())


def _in_order(text: str) -> tuple[str, ...]:
    return tuple(text.split())


# Given names and surnames that are everyday words of English, German, French, Spanish, Italian or
# Dutch, or that a contact list puts beside a name.
WORDS_TOO = _lexicon(
    "able ace ad ado ago ai aim amber amore an and angel angle april arch archer are art as ash"
    " august aunt auntie autumn back baker bank banks barber basil bass bay bean bear bee bell"
    " bella belle berg berry best beste bill bird bishop black blanc bloom blue boss boy boys"
    " braun brave bravo bright broke brook brooks brother brown buck bud burns bush butcher butler"
    " can candy cape carpenter carry carter case cash castle chance charity charm chase chat chef"
    " cherry chip chips christian church city clay cliff close cloud coach cole college comfort"
    " company concord cook cooper coral costa country crane cross cruz crystal dad daddy daisy"
    " dale dawn day days dean dear destiny di diamond dick do doc doctor dolly dot dove dr draw"
    " drew duke earl early east eden eh elder emerald england eve even ever express faith falcon"
    " fall family farmer feld fell fern field fields finch fine fink fisher flint flora flores"
    " flower ford forest fort foster fox francs frank frau free freedom french friday friend"
    " friends frost fuller gable garden gate gay gem general german ginger glad glen gold golden"
    " good grace gran grand grandma grandpa grant gray green grey gross group hale hall halo ham"
    " hamlet hand happy hard hardy harmony hart hat haus have hay hazel heath heather heaven her"
    " hero herr hill hills hold holly home honey honor hope horn house hunt hunter ice in iris"
    " iron isle it ivory ivy jack jade jan january jay jean jesus jet jewel job jobs journey joy"
    " judge july june junior just justice key kid kids king kit klein knight koch la lake lance"
    " land lane lang lark law le lea league les levy liberty light lily link lion little lo long"
    " lord lot love loyal lucky luna lux luz ma madame madison magic main major mama maman mar"
    " mark marsh mason master mat max may me med melody men mercy merit mi mile miles mill miller"
    " mine miss mister mobile mom mommy moms monday monsieur moon more morgen mother mr mrs ms mum"
    " mummy my new nice nick night noble noon nord norm north nun office old olive opal orange"
    " other pa page paix pal palm papa papi par paris parish park parker pastor pat patience pay"
    " paz pea peace pearl peer pen penny pepper per petit pierce pike pilot piper poet polo pond"
    " poor poppy porter post potter power pratt precious price pride priest prime prince prof"
    " professor promise prosper queen quest rabbi rain ram rat read red reed reich reid rein rice"
    " rich richter ring rio rise river rivers rob robe robin rock rocky rod roman romeo roof root"
    " rosa rose rosen rot roth rowan royal ruby rue run rusty sage saint salt sand sandy santa"
    " santos sat saturday savage say scarlet school schwarz see sergeant shade shaw shell shine"
    " short sia silver simple singer sir sis sister skip sky small smart smith so sol solo son"
    " song sonny south spark spring staff star steel stein step sterling stern stew stone storm"
    " street strong such sue sugar summer sun sunday sunny sunshine swan sweet swift tag tailor"
    " team temple the thorn thorne thursday tiger to tracy trinity trip true truth tucker tuesday"
    " turner twin uncle und unity user valley van victory viola violet virginia vogel von wade"
    " wagon waiter walker wall walls ward water waters way weaver wednesday welch well wells west"
    " whisper white wild will willow wills win wind wing winner winter winters wisdom wise wolf"
    " wood woods work worth wren wright yard year yes york you young"
)
PARTICLES = _lexicon(
    "af al am an auf bin d da dal das de del della den der des di do dos du e el en et i ibn la"
    " le les los nic op o sur ten ter te the und van vom von y zu zum zur"
)
# What a chat export calls those who are nobody.
ROLES = _lexicon(
    "assistant user system tool bot human ai unknown anonymous me you owner chatgpt claude model"
)

# Which name stands for which follows from the order.
GIVEN = _in_order(
    "Robin Alex Jamie Charlie Jordan Casey Morgan Riley Avery Quinn Rowan Kim Chris Dana Jesse"
    " Sasha Noa Kai Remy Ellis Finley Harper Logan Reese Shay Toni Blair Cameron Emery Frankie"
    " Skyler Sam Marley Peyton Rory Sidney Tatum Arden Ashley Bailey Billie Corey Devon Dominique"
    " Eden Elliot Frances Gabriel Hayden Jackie Joss Kelly Kerry Kendall Lane Leslie Mika Nicky"
    " Ariel Pascal Sandy Shannon Stevie Terry"
)
SURNAMES = _in_order(
    "Adler Barnes Bennett Carlson Collins Dawson Ellison Fraser Garner Hansen Harris Hughes"
    " Jensen Keller Lambert Larsen Lawson Marsden Meredith Nolan Norris Olsen Palmer Perry Quigley"
    " Reynolds Roberts Sanders Sutton Tilley Underwood Vaughan Watson Whitaker Winslow Yates"
    " Abbott Ashton Bradley Calder Denton Everett Fenwick Gibson Hadley Ingram Jarvis Kendrick"
    " Lockhart Mercer Newell Osborne Prescott Ramsey Selby Thornton Upton Vickers Wharton Yardley"
    " Alden Bexley Colby Drayton"
)
